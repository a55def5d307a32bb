/**
 * Remembers, outside of the workspaces, which directories in them are the server's own for a while: a tree from outside is
 * made ready there. What is remembered is shown to nobody, and what outlived its server is taken back; a directory that an
 * agent gives such a name is neither.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { ClaudeCodeError } from '../errors/claude-code.error.js';

export class Stagings {
  readonly #logger = new Logger(Stagings.name);
  /** By workspace, what this server is at work on: one thing at a time. */
  readonly #held = new Map<string, string>();

  constructor(private readonly dataDirectory: string) {}

  /**
   * Gives `work` the name of a staging; when that fails, `discard` takes back what is left of it.
   * @throws ClaudeCodeError E010 when something else is being put into the workspace
   */
  async hold<T>(
    workspaceId: string,
    work: (name: string) => Promise<T>,
    discard: (name: string) => Promise<unknown>,
  ): Promise<T> {
    if (this.#held.has(workspaceId))
      throw new ClaudeCodeError('E010', 'Another upload or clone into this project is under way.');
    const name = `.caisson-${randomBytes(16).toString('hex')}`;
    this.#held.set(workspaceId, name);
    try {
      await mkdir(this.#directory(workspaceId), { recursive: true, mode: 0o700 });
      await writeFile(join(this.#directory(workspaceId), name), '');
      const result = await work(name);
      await this.forget(workspaceId, name);
      return result;
    } catch (error) {
      await this.#takeBack(workspaceId, name, discard);
      throw error;
    } finally {
      this.#held.delete(workspaceId);
    }
  }

  /** All that is remembered of a workspace. */
  async of(workspaceId: string): Promise<string[]> {
    try {
      return await readdir(this.#directory(workspaceId));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  /** What nobody works on any more: the data directory is this server's alone. */
  async abandoned(workspaceId: string): Promise<string[]> {
    return (await this.of(workspaceId)).filter((name) => name !== this.#held.get(workspaceId));
  }

  async forget(workspaceId: string, name: string): Promise<void> {
    await rm(join(this.#directory(workspaceId), name), { force: true });
  }

  /** Where that is not possible, the name stays, and whoever opens the workspace next tries again. */
  async #takeBack(
    workspaceId: string,
    name: string,
    discard: (name: string) => Promise<unknown>,
  ): Promise<void> {
    try {
      await discard(name);
      await this.forget(workspaceId, name);
    } catch (error) {
      this.#logger.warn({ msg: 'what an upload or clone left is taken back later', workspaceId, err: error });
    }
  }

  #directory(workspaceId: string): string {
    return join(this.dataDirectory, 'stagings', workspaceId);
  }
}
