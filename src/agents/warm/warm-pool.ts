/** Bookkeeping of what is kept warm: which workspaces have a place that waits, which one goes when there are too many. */
import { Logger } from '@nestjs/common';

/** Something started ahead for one workspace, to be used once. */
export interface WarmPlace {
  /** Aborted when it can no longer be used. */
  readonly gone: AbortSignal;
  /** Bytes; looking is not cheap. */
  memoryBytes(): Promise<number>;
  close(): Promise<void>;
}

/** How places come to be. `Key` says what a place is made for, beside its workspace. */
export interface WarmSource<Workspace, Key, Place> {
  /** Resolves when the place can be used at once. */
  start(workspace: Workspace, key: Key): Promise<Place>;
  /** A workspace that nobody has owned, and what its place is made for; undefined when there can be no more. */
  reserve(): Promise<{ workspace: Workspace; key: Key } | undefined>;
  /** Its place is ready: the next new project may be given this workspace; `taken` is called when it was. */
  offer(workspace: Workspace, taken: () => void): void;
  /** Its place is gone: nobody is to be given this workspace. False when somebody has it already. */
  withdraw(workspace: Workspace): boolean;
  /** False while a start would take the processor from those who work. */
  calm(): boolean;
  /** True while the machine has little memory left. */
  pressed(): boolean;
}

export interface WarmLimits {
  /** Places at most. */
  size: number;
  /** Of these, in workspaces that nobody has owned. */
  spares: number;
  /** Milliseconds after which a workspace that was not used is no longer kept warm. */
  idleMs: number;
  /** Bytes of all places. */
  memoryBytes: number;
}

/** Why nothing was ready: the workspace is not kept warm (new, or used too long ago), or its place is on its way. */
export type Absence = 'unknown' | 'starting' | 'died';

interface Entry<Workspace, Key, Place> {
  workspace: Workspace;
  key: Key;
  owned: boolean;
  usedAt: number;
  place?: Place;
  bytes: number;
  readyAt: number;
  died: boolean;
  /** Not tried again before. */
  notBefore: number;
}

/** Milliseconds until a start that failed is tried again. */
const RETRY_AFTER = 5000;

export class WarmPool<Workspace extends { id: string }, Key, Place extends WarmPlace> {
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry<Workspace, Key, Place>>();
  readonly #logger = new Logger('WarmPool');
  #begun?: Promise<void>;
  #again = false;
  #closed = false;

  constructor(
    private readonly source: WarmSource<Workspace, Key, Place>,
    private readonly limits: WarmLimits,
    private readonly now: () => number = () => Date.now(),
  ) {}

  /** Places that are ready. */
  get ready(): number {
    return this.#placed().length;
  }

  /** Bytes of all places, as last measured. */
  get memoryBytes(): number {
    return this.#placed().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Milliseconds that each has been ready. */
  get ages(): number[] {
    return this.#placed().map(({ readyAt }) => this.now() - readyAt);
  }

  /** Takes the workspace's place out; it is its caller's from now on, and nobody else's. */
  claim(workspace: Workspace): Place | Absence {
    const entry = this.#entries.get(workspace.id);
    if (entry === undefined) return 'unknown';
    const { place, died } = entry;
    entry.place = undefined;
    if (place === undefined) return died ? 'died' : 'starting';
    if (!place.gone.aborted) return place;
    void this.#close(place);
    return 'died';
  }

  /** Keeps the workspace warm from now on, for more of what `key` says. */
  want(workspace: Workspace, key: Key): 'ready' | 'starting' {
    const known = this.#entries.get(workspace.id);
    const entry = known ?? this.#entryOf(workspace, key, true);
    // Taken out and put in again: the end of the list is the most recent.
    this.#entries.delete(workspace.id);
    this.#entries.set(
      workspace.id,
      Object.assign(entry, { workspace, key, owned: true, usedAt: this.now() }),
    );
    this.#forgetBeyondSize();
    this.pump();
    return entry.place === undefined ? 'starting' : 'ready';
  }

  /** Begins the next start if there is one to begin; one at a time. */
  pump(): void {
    if (this.#closed || !this.source.calm()) return;
    // Whoever looks just now may have looked past what has changed meanwhile.
    this.#again = true;
    if (this.#begun !== undefined) return;
    this.#again = false;
    this.#begun = this.#startNext()
      .catch((error: unknown) => {
        this.#logger.warn({ msg: 'nothing could be warmed', err: error });
        return false;
      })
      .then((more) => {
        this.#begun = undefined;
        if (more || this.#again) this.pump();
      });
  }

  /** To be called now and then: lets go what is old or too much, and looks how much memory the rest holds. */
  async tend(): Promise<void> {
    const old = this.now() - this.limits.idleMs;
    for (const entry of this.#owned()) if (entry.usedAt < old) this.#forget(entry);
    for (const entry of this.#placed()) entry.bytes = await (entry.place?.memoryBytes() ?? 0);
    while (this.memoryBytes > this.limits.memoryBytes || this.source.pressed()) if (!this.#shrink()) break;
    this.pump();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const places = this.#placed().map(({ place }) => place);
    for (const entry of this.#entries.values()) entry.place = undefined;
    this.#entries.clear();
    await Promise.all([...places.map((place) => place && this.#close(place)), this.#begun]);
  }

  /** True when something was started, or tried. */
  async #startNext(): Promise<boolean> {
    const entry = await this.#next();
    if (entry === undefined) return false;
    await this.#start(entry);
    return true;
  }

  /** A first spare, then the most recently used workspace, then more spares. */
  async #next(): Promise<Entry<Workspace, Key, Place> | undefined> {
    if (this.#unowned().length === 0 && this.limits.spares > 0) return this.#spare();
    const wanted = this.#owned().findLast(
      (entry) => entry.place === undefined && entry.notBefore <= this.now(),
    );
    if (wanted !== undefined && this.#makeRoom(wanted)) return wanted;
    return this.#unowned().length < this.limits.spares ? this.#spare() : undefined;
  }

  async #spare(): Promise<Entry<Workspace, Key, Place> | undefined> {
    if (!this.#makeRoom()) return undefined;
    const reserved = await this.source.reserve();
    if (reserved === undefined) return undefined;
    const { workspace, key } = reserved;
    const entry = this.#entryOf(workspace, key, false);
    this.#entries.set(workspace.id, entry);
    return entry;
  }

  async #start(entry: Entry<Workspace, Key, Place>): Promise<void> {
    try {
      const place = await this.source.start(entry.workspace, entry.key);
      if (this.#entries.get(entry.workspace.id) !== entry || place.gone.aborted) {
        await this.#close(place); // forgotten meanwhile
        return;
      }
      entry.bytes = await place.memoryBytes();
      Object.assign(entry, { place, readyAt: this.now(), died: false });
      place.gone.addEventListener('abort', () => this.#lost(entry, place), { once: true });
      if (!entry.owned) this.#offer(entry);
    } catch (error) {
      entry.notBefore = this.now() + RETRY_AFTER;
      if (!entry.owned) this.#abandon(entry);
      throw error;
    }
  }

  /** A place that ended while it waited is replaced. */
  #lost(entry: Entry<Workspace, Key, Place>, place: Place): void {
    if (entry.place !== place) return;
    entry.place = undefined;
    entry.died = true;
    if (!entry.owned) this.#forget(entry);
    void this.#close(place);
    this.pump();
  }

  /** True when one more fits, perhaps because one was let go that was used less recently. */
  #makeRoom(newcomer?: Entry<Workspace, Key, Place>): boolean {
    if (this.source.pressed()) return false;
    const average = this.ready === 0 ? 0 : this.memoryBytes / this.ready;
    const full = () => this.ready >= this.limits.size || this.memoryBytes + average > this.limits.memoryBytes;
    while (full()) {
      const [oldest] = this.#placed();
      if (oldest === undefined || (newcomer !== undefined && oldest.usedAt > newcomer.usedAt)) return false;
      this.#forget(oldest);
    }
    return true;
  }

  /** Lets one go; false when there is none. */
  #shrink(): boolean {
    const [oldest] = this.#placed();
    if (oldest !== undefined) this.#forget(oldest);
    return oldest !== undefined;
  }

  #forgetBeyondSize(): void {
    const owned = this.#owned();
    for (const entry of owned.slice(0, Math.max(0, owned.length - this.limits.size + this.limits.spares)))
      this.#forget(entry);
  }

  /** Of a spare that was never offered. */
  #abandon(entry: Entry<Workspace, Key, Place>): void {
    this.#offer(entry);
    this.#forget(entry);
  }

  #offer({ workspace, key }: Entry<Workspace, Key, Place>): void {
    this.source.offer(workspace, () => this.want(workspace, key));
  }

  #forget(entry: Entry<Workspace, Key, Place>): void {
    const { place, workspace } = entry;
    // Somebody is given it in this moment and will come for its place.
    if (!entry.owned && !this.source.withdraw(workspace)) return;
    this.#entries.delete(workspace.id);
    entry.place = undefined;
    if (place !== undefined) void this.#close(place);
  }

  async #close(place: Place): Promise<void> {
    await place
      .close()
      .catch((error: unknown) => this.#logger.error({ msg: 'a warm place did not end', err: error }));
  }

  #entryOf(workspace: Workspace, key: Key, owned: boolean): Entry<Workspace, Key, Place> {
    return { workspace, key, owned, usedAt: this.now(), bytes: 0, readyAt: 0, died: false, notBefore: 0 };
  }

  #owned() {
    return [...this.#entries.values()].filter(({ owned }) => owned);
  }

  #unowned() {
    return [...this.#entries.values()].filter(({ owned }) => !owned);
  }

  /** The least recently used first, and what nobody owns last: it makes the next new project a quick one. */
  #placed() {
    return [...this.#owned(), ...this.#unowned()].filter(({ place }) => place !== undefined);
  }
}
