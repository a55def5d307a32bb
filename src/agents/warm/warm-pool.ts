/** Bookkeeping of what is kept warm: which workspaces have a place that waits, which one goes when there are too many. */
import { Logger } from '@nestjs/common';
import { BackOff } from './back-off.js';

/** Something started ahead for one workspace, to be used once. */
export interface WarmPlace {
  /** Aborted when it can no longer be used. */
  readonly gone: AbortSignal;
  /** True when what it was started from has changed since: it is to be replaced. */
  readonly outdated: boolean;
  /** Bytes; looking is not cheap. */
  memoryBytes(): Promise<number>;
  close(): Promise<void>;
}

/** How places come to be. `Key` says what a place is made for, beside its workspace. */
export interface WarmSource<Workspace, Key, Place> {
  /** Resolves when the place can be used at once. Rejects soon when it is aborted. */
  start(workspace: Workspace, key: Key, signal: AbortSignal): Promise<Place>;
  /** A workspace that nobody has owned, and what its place is made for; undefined when there can be no more. */
  reserve(): Promise<{ workspace: Workspace; key: Key } | undefined>;
  /** Its place is ready: the next new project may be given this workspace; `taken` is called when it was. */
  offer(workspace: Workspace, taken: () => void): void;
  /** Its place is gone: nobody is to be given this workspace. False when somebody has it already. */
  withdraw(workspace: Workspace): boolean;
  /** False while one more start, beside so many under way, would take the processor from those who work. */
  calm(starting: number): boolean;
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
  /** Of its starts: one workspace in which nothing starts must not hold up the others. */
  backOff: BackOff;
}

/** Milliseconds that a place has to last: one that died before counts as a start that failed. */
const LASTS = 1000;

export class WarmPool<Workspace extends { id: string }, Key, Place extends WarmPlace> {
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry<Workspace, Key, Place>>();
  readonly #logger = new Logger('WarmPool');
  /** Of all spares: each is a workspace of its own, so that what fails in one will fail in the next. */
  readonly #spareBackOff: BackOff;
  readonly #starting = new Map<Entry<Workspace, Key, Place>, Promise<void>>();
  #choosing?: Promise<void>;
  #relieving?: Promise<void>;
  #again = false;
  readonly #closing = new AbortController();

  constructor(
    private readonly source: WarmSource<Workspace, Key, Place>,
    private readonly limits: WarmLimits,
    private readonly now: () => number = () => Date.now(),
  ) {
    this.#spareBackOff = new BackOff(now);
  }

  /** Places that are ready. */
  get ready(): number {
    return this.#placed().length;
  }

  /** Bytes of all places, as last measured. */
  get memoryBytes(): number {
    return this.#placed().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Ids of the workspaces that somebody owns and whose place is ready. */
  get warmed(): string[] {
    return this.#placed()
      .filter(({ owned }) => owned)
      .map(({ workspace }) => workspace.id);
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

  /** No longer keeps the workspace warm. */
  forget({ id }: Pick<Workspace, 'id'>): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) void this.#forget(entry);
  }

  /** Begins the next starts, as many as are to be begun and as the source allows at once. */
  pump(): void {
    if (this.#closing.signal.aborted || !this.source.calm(this.#starting.size)) return;
    // Whoever chooses just now may have looked past what has changed meanwhile.
    this.#again = true;
    if (this.#choosing !== undefined) return;
    this.#again = false;
    this.#choosing = this.#next().then((entry) => {
      this.#choosing = undefined;
      if (entry !== undefined) this.#begin(entry);
      if (entry !== undefined || this.#again) this.pump();
    });
  }

  /** To be called now and then: lets go what is old or too much, and looks how much memory the rest holds. */
  async tend(): Promise<void> {
    const old = this.now() - this.limits.idleMs;
    for (const entry of this.#owned()) if (entry.usedAt < old) void this.#forget(entry);
    for (const entry of this.#placed()) if (entry.place?.outdated === true) this.#lose(entry, entry.place);
    await this.relieve();
    for (const entry of this.#placed()) entry.bytes = await (entry.place?.memoryBytes() ?? 0);
    while (this.memoryBytes > this.limits.memoryBytes) if (!(await this.#shrink())) break;
    this.pump();
  }

  /** Lets one after the other go, and no more of them than it takes, until the machine has memory again. */
  relieve(): Promise<void> {
    this.#relieving ??= this.#relieve().finally(() => (this.#relieving = undefined));
    return this.#relieving;
  }

  async #relieve(): Promise<void> {
    while (this.source.pressed()) if (!(await this.#shrink())) break;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const places = this.#placed().map(({ place }) => place);
    for (const entry of this.#entries.values()) entry.place = undefined;
    this.#entries.clear();
    await Promise.all(places.filter((place) => place !== undefined).map((place) => this.#close(place)));
    await this.#choosing;
    await Promise.all(this.#starting.values());
  }

  #begin(entry: Entry<Workspace, Key, Place>): void {
    const started = this.#start(entry).then(() => {
      this.#starting.delete(entry);
      this.pump();
    });
    this.#starting.set(entry, started);
  }

  /** A first spare, then the most recently used workspace, then more spares. */
  async #next(): Promise<Entry<Workspace, Key, Place> | undefined> {
    const first = this.#unowned().length === 0 ? await this.#spare() : undefined;
    if (first !== undefined) return first;
    const wanted = this.#owned().findLast(
      (entry) => entry.place === undefined && !this.#starting.has(entry) && entry.backOff.over,
    );
    if (wanted !== undefined && (await this.#makeRoom(wanted))) return wanted;
    return this.#spare();
  }

  async #spare(): Promise<Entry<Workspace, Key, Place> | undefined> {
    if (this.#unowned().length >= this.limits.spares || !this.#spareBackOff.over) return undefined;
    if (!(await this.#makeRoom())) return undefined;
    const reserved = await this.#reserve();
    if (reserved === undefined) return undefined;
    const { workspace, key } = reserved;
    const entry = this.#entryOf(workspace, key, false);
    this.#entries.set(workspace.id, entry);
    return entry;
  }

  async #reserve(): Promise<{ workspace: Workspace; key: Key } | undefined> {
    try {
      return await this.source.reserve();
    } catch (error) {
      this.#spareBackOff.failed();
      this.#logger.warn({ msg: 'there is no workspace for a spare', err: error });
      return undefined;
    }
  }

  async #start(entry: Entry<Workspace, Key, Place>): Promise<void> {
    try {
      const place = await this.source.start(entry.workspace, entry.key, this.#closing.signal);
      const bytes = await this.#measured(place);
      const died = place.gone.aborted;
      if (this.#entries.get(entry.workspace.id) !== entry || died) {
        await this.#close(place);
        if (died) throw new Error('it ended as soon as it was ready');
        return; // forgotten meanwhile
      }
      this.#backOffOf(entry).succeeded();
      Object.assign(entry, { place, bytes, readyAt: this.now(), died: false });
      place.gone.addEventListener('abort', () => this.#lost(entry, place), { once: true });
      if (!entry.owned) this.#offer(entry);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#logger.warn({ msg: 'nothing could be warmed', err: error });
      this.#backOffOf(entry).failed();
      if (!entry.owned) this.#abandon(entry);
    }
  }

  /** @throws Error when it cannot be measured; then it is closed */
  async #measured(place: Place): Promise<number> {
    try {
      return await place.memoryBytes();
    } catch (error) {
      await this.#close(place);
      throw error;
    }
  }

  #backOffOf({ owned, backOff }: Entry<Workspace, Key, Place>): BackOff {
    return owned ? backOff : this.#spareBackOff;
  }

  /** A place that ended while it waited is replaced. */
  #lost(entry: Entry<Workspace, Key, Place>, place: Place): void {
    if (entry.place !== place) return;
    entry.died = true;
    if (this.now() - entry.readyAt < LASTS) this.#backOffOf(entry).failed();
    this.#lose(entry, place);
  }

  /** Its workspace is to have another one. */
  #lose(entry: Entry<Workspace, Key, Place>, place: Place): void {
    entry.place = undefined;
    if (!entry.owned) void this.#forget(entry);
    void this.#close(place);
    this.pump();
  }

  /** True when one more fits, perhaps because one was let go that was used less recently. */
  async #makeRoom(newcomer?: Entry<Workspace, Key, Place>): Promise<boolean> {
    if (this.source.pressed()) return false;
    const average = this.ready === 0 ? 0 : this.memoryBytes / this.ready;
    const coming = this.#starting.size;
    const full = () =>
      this.ready + coming >= this.limits.size ||
      this.memoryBytes + average * (coming + 1) > this.limits.memoryBytes;
    while (full()) {
      const [oldest] = this.#placed();
      if (oldest === undefined || (newcomer !== undefined && oldest.usedAt > newcomer.usedAt)) return false;
      if (!(await this.#forget(oldest))) return false;
    }
    return true;
  }

  /** Lets one go and waits until it is gone; false when there is none. */
  async #shrink(): Promise<boolean> {
    for (const entry of this.#placed()) if (await this.#forget(entry)) return true;
    return false;
  }

  #forgetBeyondSize(): void {
    const owned = this.#owned();
    for (const entry of owned.slice(0, Math.max(0, owned.length - this.limits.size + this.limits.spares)))
      void this.#forget(entry);
  }

  /** Of a spare that was never offered. */
  #abandon(entry: Entry<Workspace, Key, Place>): void {
    this.#offer(entry);
    void this.#forget(entry);
  }

  #offer({ workspace, key }: Entry<Workspace, Key, Place>): void {
    this.source.offer(workspace, () => this.want(workspace, key));
  }

  /** Resolves when its place is gone; false when it stays, because somebody is given it in this moment and will come for it. */
  async #forget(entry: Entry<Workspace, Key, Place>): Promise<boolean> {
    const { place, workspace } = entry;
    if (!entry.owned && !this.source.withdraw(workspace)) return false;
    this.#entries.delete(workspace.id);
    entry.place = undefined;
    if (place !== undefined) await this.#close(place);
    return true;
  }

  async #close(place: Place): Promise<void> {
    await place
      .close()
      .catch((error: unknown) => this.#logger.error({ msg: 'a warm place did not end', err: error }));
  }

  #entryOf(workspace: Workspace, key: Key, owned: boolean): Entry<Workspace, Key, Place> {
    const backOff = new BackOff(this.now);
    return { workspace, key, owned, usedAt: this.now(), bytes: 0, readyAt: 0, died: false, backOff };
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
