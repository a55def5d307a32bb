/**
 * Workspaces in object storage: what is here are copies. A copy is made the truth before anybody works with it, and what was
 * changed in it is the next truth only when it is in the bucket and the database says so.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Logger } from '@nestjs/common';
import { z } from 'zod';
import type { Config } from '../../config/config.js';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import type { SandboxWorkspace } from '../../sandbox/sandbox.js';
import type { Housekeeping } from '../housekeeping.js';
import { KeyedLock } from '../keyed-lock.js';
import type { Guard } from '../workspace-lease.js';
import type { WorkspaceRegistry } from '../workspace-registry.js';
import { WorkspaceStorage } from '../workspace-storage.js';
import { type Bucket, MissingObject } from './bucket.js';
import type { Copies } from './copies.js';
import { Hold } from './hold.js';
import { PackStream } from './pack-stream.js';
import type { Stored, Version, Versions } from './versions.js';

/** Entries of a workspace, as everywhere. */
const ENTRIES_MAX = 200_000;
/** Name of version 0, which no pack is made for; the housekeeper knows it, too. */
const EMPTY = 'empty';
/** Times that a version is looked for which another one may just have followed. */
const TRIES = 3;
/** Bytes of a small part of a pack, and how many of these are asked for at once: what they cost is the way there and back. */
const SMALL = 1024 * 1024;
const AT_ONCE = 8;
/** Seconds. */
const RETRY_AFTER = 5;
const DAMAGED_RETRY_AFTER = 60;

const DONE = z.object({ ok: z.literal(true) });
const SENT = DONE.extend({ same: z.boolean() });
const NEEDS = DONE.extend({ ranges: z.array(z.tuple([z.string(), z.number(), z.number()])) });
type Range = z.infer<typeof NEEDS>['ranges'][number];

/** Name of the lease of whoever changes the files. */
const filesOf = (workspaceId: string): string => `files of ${workspaceId}`;
const nameOf = ({ stored }: Version): string => stored?.name ?? EMPTY;

export class ObjectStorage extends WorkspaceStorage {
  readonly #logger = new Logger('ObjectStorage');
  /** Those who change something in a workspace here, one after the other. */
  readonly #turns = new KeyedLock();
  /** Who makes a copy something else: the truth, or nothing. */
  readonly #making = new KeyedLock();
  /** Who changes something here now. */
  readonly #holds = new Map<string, Hold>();
  #trimming = false;

  constructor(
    private readonly bucket: Bucket,
    private readonly versions: Versions,
    private readonly copies: Copies,
    private readonly housekeeping: Housekeeping,
    private readonly registry: WorkspaceRegistry,
    private readonly config: Config,
  ) {
    super();
  }

  made(workspaceId: string): Promise<void> {
    return this.copies.put(workspaceId, { base: EMPTY, clean: true, bytes: 0 });
  }

  gone(workspaceId: string): Promise<void> {
    return this.copies.forget(workspaceId);
  }

  reading<T>(workspace: SandboxWorkspace, work: () => Promise<T>): Promise<T> {
    const { id } = workspace;
    return this.copies.use(id, async () => {
      await this.#making.run(id, async () => {
        // What is being changed here is what there is, to whoever is here.
        if (!this.#holds.has(id)) await this.#refresh(workspace);
      });
      return work();
    });
  }

  async changing<T>(workspace: SandboxWorkspace, work: () => Promise<T>): Promise<T> {
    const { lease } = this.housekeeping;
    const { id } = workspace;
    if ((await lease.writes(id)).writers + (await lease.writes(filesOf(id))).writers > 0)
      throw new ClaudeCodeError(
        'E010',
        'An execution, an upload or a clone is writing to this workspace; try again when it has ended.',
      );
    return this.#hold(workspace, work, new Hold());
  }

  writing<T>(workspace: SandboxWorkspace, work: () => Promise<T>, guard?: Guard): Promise<T> {
    // So that others can tell that it is for long.
    return this.housekeeping.lease.writing(filesOf(workspace.id), () =>
      this.#hold(workspace, work, new Hold('long'), guard),
    );
  }

  keeping<T>(workspace: SandboxWorkspace, work: () => Promise<T>): Promise<T> {
    return this.#holds.get(workspace.id)?.join(work) ?? this.#hold(workspace, work, new Hold());
  }

  /** First here, then among all: one of this process that was given up for lost may still be at work. */
  #hold<T>(workspace: SandboxWorkspace, work: () => Promise<T>, hold: Hold, guard?: Guard): Promise<T> {
    const { id } = workspace;
    const guards = guard === undefined ? [] : [guard];
    return this.copies.use(id, () =>
      this.#turns.run(id, () =>
        this.housekeeping.lease.exclusive(filesOf(id), (holds) =>
          this.#change(workspace, work, hold, [holds, ...guards]),
        ),
      ),
    );
  }

  async #change<T>(
    workspace: SandboxWorkspace,
    work: () => Promise<T>,
    hold: Hold,
    guards: readonly Guard[],
  ): Promise<T> {
    const { id } = workspace;
    const from = await this.#making.run(id, async () => {
      const version = await this.#refresh(workspace);
      await this.copies.put(id, { ...this.copies.get(id), clean: false });
      this.#holds.set(id, hold);
      return version;
    });
    try {
      const result = await hold.begin(work);
      await this.#store(workspace, from, guards);
      return result;
    } catch (error) {
      // What it has changed before it failed is changed, as anywhere else.
      if (hold.failed)
        await this.#store(workspace, from, guards).catch((cause: unknown) =>
          this.#logger.warn({ msg: 'what a failed change left is not stored', workspaceId: id, err: cause }),
        );
      throw error;
    } finally {
      this.#holds.delete(id);
    }
  }

  /** Makes the copy here the truth, if it is not; answers which that is. */
  async #refresh(workspace: SandboxWorkspace): Promise<Version> {
    for (let attempt = 1; ; attempt += 1) {
      const version = await this.versions.current(workspace.id);
      const copy = this.copies.get(workspace.id);
      if (copy.clean && copy.base === nameOf(version)) return version;
      try {
        await this.#receive(workspace, version);
        return version;
      } catch (error) {
        if (!(error instanceof MissingObject)) throw error;
        // Of a version that is the truth no more its packs may be gone.
        if (attempt < TRIES) continue;
        this.#logger.error({ msg: 'an object is missing', workspaceId: workspace.id, err: error });
        throw new ClaudeCodeError(
          'E012',
          'The stored files of this project are damaged: a part is missing.',
          {
            retryAfter: DAMAGED_RETRY_AFTER,
            cause: error,
          },
        );
      }
    }
  }

  async #receive(workspace: SandboxWorkspace, version: Version): Promise<void> {
    const { id } = workspace;
    const { stored } = version;
    const { base, bytes } = this.copies.get(id);
    await this.copies.put(id, { base, clean: false, bytes: Math.max(bytes, stored?.bytes ?? 0) });
    const { stagings } = this.housekeeping;
    // Nobody here changes anything now: whatever somebody who died had begun goes with the rest.
    for (const name of await stagings.abandoned(id)) await stagings.forget(id, name);
    const first = stored === undefined ? Buffer.alloc(0) : await this.#manifestOf(id, stored);
    const manifest = stored && { bytes: first.length, hash: stored.manifest.hash };
    await stagings.hold(
      id,
      (staging) =>
        this.housekeeping.exchange(
          workspace,
          { op: 'receive', name: nameOf(version), base, staging, manifest, maxEntries: ENTRIES_MAX },
          { first, needs: NEEDS, given: ({ ranges }) => this.#given(id, ranges), end: DONE },
          this.#limit,
        ),
      (staging) => this.housekeeping.ask(workspace, { op: 'discard', stagings: [staging] }, DONE),
    );
    await this.copies.put(id, { base: nameOf(version), clean: true, bytes: stored?.bytes ?? 0 });
    this.#trim();
  }

  #manifestOf(id: string, { name, manifest: { at, bytes } }: Stored): Promise<Buffer> {
    return buffer(this.bucket.read(`${id}/${name}`, at, at + bytes));
  }

  /** The bytes that were asked for, in that order; small parts are fetched ahead. */
  async *#given(id: string, ranges: readonly Range[]): AsyncGenerator<Buffer, void, void> {
    const ahead = new Map<Range, Promise<Buffer>>();
    for (const [index, range] of ranges.entries()) {
      for (const next of ranges.slice(index, index + AT_ONCE)) {
        const [pack, from, to] = next;
        if (to - from > SMALL || ahead.has(next)) continue;
        const small = buffer(this.bucket.read(`${id}/${pack}`, from, to));
        small.catch(() => undefined); // told when it is its turn
        ahead.set(next, small);
      }
      const [pack, from, to] = range;
      const small = ahead.get(range);
      ahead.delete(range);
      if (small === undefined) yield* this.bucket.read(`${id}/${pack}`, from, to);
      else yield await small;
    }
  }

  /** Makes what is here the next truth. @throws ClaudeCodeError E012; the truth is what it was then */
  async #store(workspace: SandboxWorkspace, from: Version, guards: readonly Guard[]): Promise<void> {
    const { id } = workspace;
    const base = nameOf(from);
    const name = `${from.number + 1}-${randomBytes(8).toString('hex')}`;
    const { head, content, mustBeWhole } = await this.housekeeping.fetch(
      workspace,
      {
        ...({ op: 'send', name, base, maxEntries: ENTRIES_MAX } as const),
        maxBytes: this.config.values.SANDBOX_WORKSPACE_BYTES,
      },
      SENT,
    );
    if (head.same) {
      content.resume();
      await mustBeWhole();
      return this.copies.put(id, { ...this.copies.get(id), base, clean: true });
    }
    const pack = new PackStream(mustBeWhole);
    content.once('error', (error) => pack.destroy(error));
    pack.once('close', () => content.destroy());
    await this.bucket.put(`${id}/${name}`, content.pipe(pack), this.#limit);
    const stored = { name, ...pack.footer };
    if (!(await this.versions.advance(id, from, stored, guards))) {
      // Nobody needs it; if it cannot be removed now it goes with the other orphans.
      await this.bucket.remove(`${id}/${name}`).catch((error: unknown) => this.#logger.debug(error));
      throw new ClaudeCodeError(
        'E012',
        'The workspace was given to somebody else meanwhile; nothing was stored.',
        {
          retryAfter: RETRY_AFTER,
        },
      );
    }
    await this.copies.put(id, { base: name, clean: true, bytes: stored.bytes });
    this.#trim();
  }

  /** Removes the least recently used copies until the others are few enough; those in use stay. */
  #trim(): void {
    if (this.#trimming) return;
    this.#trimming = true;
    void this.#evictMany()
      .catch((error: unknown) => this.#logger.warn({ msg: 'a copy could not be removed', err: error }))
      .finally(() => (this.#trimming = false));
  }

  async #evictMany(): Promise<void> {
    while (this.copies.bytes > this.config.values.WORKSPACE_CACHE_BYTES) {
      const { oldest } = this.copies;
      if (oldest === undefined) return;
      await this.#making.run(oldest, () => this.#evict(oldest));
    }
  }

  async #evict(id: string): Promise<void> {
    if (this.copies.isUsed(id)) return;
    const registered = await this.registry.findById(id);
    if (registered === undefined) return this.copies.forget(id);
    const { uid } = registered;
    await this.copies.put(id, { clean: false, bytes: this.copies.get(id).bytes });
    const path = join(this.config.workspaceRoot, id);
    await this.housekeeping.ask({ id, path, ...(uid === undefined ? {} : { uid }) }, { op: 'evict' }, DONE);
    // Empty, which is what version 0 is, too.
    await this.copies.put(id, { clean: false, bytes: 0 });
  }

  get #limit(): AbortSignal {
    return AbortSignal.timeout(this.config.values.TRANSFER_TIMEOUT * 1000);
  }
}
