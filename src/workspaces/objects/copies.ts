/**
 * What this process has of workspaces on its own disk: which version each copy was made as, and whether it is still that.
 * Written down beside them, so that a restart need not fetch everything again. Nothing is flushed: what was written before
 * the machine itself went down is not believed afterwards.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../../config/config.js';

const COPY = z.object({
  /** Name of the version that it was made or stored as; undefined when nothing is known. */
  base: z.string().optional(),
  /** False from before something is changed until that is stored. */
  clean: z.boolean(),
  /** What it takes. */
  bytes: z.number(),
  /** Epoch milliseconds. */
  usedAt: z.number(),
});
export type Copy = Omit<z.infer<typeof COPY>, 'usedAt'>;

const NOTED = COPY.extend({ boot: z.string() });
const WORKSPACE_ID = /^[\w-]+$/;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const UNKNOWN: Copy = { clean: false, bytes: 0 };

export class Copies {
  readonly #copies = new Map<string, z.infer<typeof COPY>>();
  /** How many use each. */
  readonly #users = new Map<string, number>();
  readonly #directory: string;
  readonly #boot: string;

  private constructor(directory: string, boot: string) {
    this.#directory = directory;
    this.#boot = boot;
  }

  /** What earlier lives of this process have left, too. */
  static async open(config: Config): Promise<Copies> {
    const copies = new Copies(join(config.dataDirectory, 'copies'), (await readFile(BOOT_ID, 'utf8')).trim());
    await copies.#load();
    return copies;
  }

  async #load(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const id of (await readdir(this.#directory)).filter((name) => WORKSPACE_ID.test(name))) {
      const { boot, ...copy } = NOTED.parse(JSON.parse(await readFile(join(this.#directory, id), 'utf8')));
      const { bytes, usedAt } = copy;
      this.#copies.set(id, boot === this.#boot ? copy : { ...UNKNOWN, bytes, usedAt });
    }
  }

  get bytes(): number {
    return [...this.#copies.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get(workspaceId: string): Copy {
    return this.#copies.get(workspaceId) ?? UNKNOWN;
  }

  async put(workspaceId: string, copy: Copy): Promise<void> {
    const noted = { ...copy, usedAt: Date.now() };
    const path = join(this.#directory, workspaceId);
    // Another process id may be ours again: the data directory is one server's.
    const beside = `${path}.${randomBytes(4).toString('hex')}.new`;
    await writeFile(beside, JSON.stringify({ ...noted, boot: this.#boot }), { mode: 0o600 });
    await rename(beside, path);
    this.#copies.set(workspaceId, noted);
  }

  async forget(workspaceId: string): Promise<void> {
    await rm(join(this.#directory, workspaceId), { force: true });
    this.#copies.delete(workspaceId);
  }

  /** While the work lasts, it is in use. */
  async use<T>(workspaceId: string, work: () => Promise<T>): Promise<T> {
    this.#users.set(workspaceId, (this.#users.get(workspaceId) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#users.get(workspaceId) ?? 1) - 1;
      if (left === 0) this.#users.delete(workspaceId);
      else this.#users.set(workspaceId, left);
      const copy = this.#copies.get(workspaceId);
      if (copy !== undefined) copy.usedAt = Date.now();
    }
  }

  isUsed(workspaceId: string): boolean {
    return this.#users.has(workspaceId);
  }

  /** Of those that take room and that nobody uses, the one that was used least recently. */
  get oldest(): string | undefined {
    let oldest: [id: string, usedAt: number] | undefined;
    for (const [id, { bytes, usedAt }] of this.#copies)
      if (bytes > 0 && !this.isUsed(id) && (oldest === undefined || usedAt < oldest[1]))
        oldest = [id, usedAt];
    return oldest?.[0];
  }
}
