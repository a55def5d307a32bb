/** Where the command writes: results to standard output, everything about them to standard error. */
import type { ReadStream, WriteStream } from 'node:tty';
import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

/** When a terminal does not tell. */
const USUAL_WIDTH = 80;

export interface Streams {
  stdin: Readable & Partial<Pick<ReadStream, 'isTTY'>>;
  stdout: Writable & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>;
  stderr: Writable & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>;
}

export class Terminal {
  /** Called before every write: the status line takes itself away. */
  beforeWrite: () => void = () => undefined;
  /** True while what was written last has no line end: nothing else may be put on that line. */
  private midLine = false;

  constructor(readonly streams: Streams) {}

  /** True when somebody sees the results as they come. */
  get live(): boolean {
    return this.streams.stdout.isTTY === true;
  }

  /** True when somebody sees what is said, and can be asked. */
  get canAsk(): boolean {
    return this.streams.stdin.isTTY === true && this.streams.stderr.isTTY === true;
  }

  /** True when a line may be drawn and taken away again. */
  get canRedraw(): boolean {
    return this.streams.stderr.isTTY === true && !(this.live && this.midLine);
  }

  get width(): number {
    // A terminal without a size says 0.
    const { stderr, stdout } = this.streams;
    return [stderr.columns, stdout.columns].find((columns = 0) => columns > 0) ?? USUAL_WIDTH;
  }

  /** The result, as it is. */
  print(text: string): void {
    if (text === '') return;
    this.beforeWrite();
    this.midLine = !text.endsWith('\n');
    this.streams.stdout.write(text);
  }

  /** One line about it. */
  say(line: string): void {
    this.beforeWrite();
    this.endLine();
    this.streams.stderr.write(`${line}\n`);
  }

  /** So that what comes next begins a line. */
  endLine(): void {
    if (this.live && this.midLine) this.print('\n');
  }

  /** In colour where the stream shows it (NO_COLOR and FORCE_COLOR are heeded). */
  out(style: Style, text: string): string {
    return styled(style, text, this.streams.stdout);
  }

  err(style: Style, text: string): string {
    return styled(style, text, this.streams.stderr);
  }

  /** Resolves when all that was written has been taken. */
  async flushed(): Promise<void> {
    await Promise.all(
      [this.streams.stdout, this.streams.stderr].map(
        (stream) =>
          new Promise<void>((resolve) => (stream.destroyed ? resolve() : stream.write('', () => resolve()))),
      ),
    );
  }
}

/** Colours end with each line, so that a line taken out of it is whole. */
const styled = (style: Style, text: string, stream: Writable): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? line : styleText(style, line, { stream, validateStream: true })))
    .join('\n');
