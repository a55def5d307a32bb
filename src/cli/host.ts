/** What the command needs of the product it is part of; given to it, so that it loads none of it before it is used. */
export interface Host {
  /** Runs the server until a signal ends it. */
  serve(): Promise<void>;
  /** Every setting of the server, as text. */
  settings(): Promise<string>;
  migrate(): Promise<void>;
  backUp(file: string): Promise<void>;
  /** A server of this process alone, on a loopback port, whose state is gone when it is closed. */
  embed(options: EmbedOptions): Promise<Embedded>;
}

export interface EmbedOptions {
  /** A model that is to be accepted whatever the settings list. */
  model?: string;
}

export interface Embedded {
  url: string;
  key: string;
  /** True when the model is played by the offline stand-in. */
  rehearsal: boolean;
  close(): Promise<void>;
}
