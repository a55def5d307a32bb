/** Workspaces as directories of the host that only sandboxes look into: the server makes them, and nothing more. */
import { randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, Readable, Transform } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { makePassable } from '../sandbox/reachable.js';
import type { SandboxWorkspace } from '../sandbox/sandbox.js';
import { changeSet } from './changes.js';
import { Housekeeping } from './housekeeping.js';
import { KeyedLock } from './keyed-lock.js';
import {
  type ChangeSet,
  type FileEntry,
  type Workspace,
  type WorkspaceMark,
  Workspaces,
} from './workspace.js';
import { workspacePath } from './workspace-path.js';
import { type RegisteredWorkspace, WorkspaceRegistry } from './workspace-registry.js';

/** Entries that a list tells, and that a state may have: what a server can still answer for in seconds. */
const LIST_MAX = 100_000;
const STATE_MAX = 200_000;

const DONE = z.object({ ok: z.literal(true) });
const ENTRY = z.object({
  path: z.string(),
  size: z.number(),
  modifiedAt: z.number(),
  type: z.enum(['file', 'directory', 'symlink', 'other']),
});

@Injectable()
export class SandboxedWorkspaces extends Workspaces {
  readonly #states = new KeyedLock();
  #swept?: Promise<void>;
  readonly #logger = new Logger('Workspaces');

  constructor(
    private readonly registry: WorkspaceRegistry,
    private readonly housekeeping: Housekeeping,
    private readonly config: Config,
  ) {
    super();
  }

  async open(userId: string, projectId: string): Promise<Workspace> {
    return this.provide(await this.registry.findOrCreate(userId, projectId));
  }

  async find(userId: string, projectId: string): Promise<Workspace | undefined> {
    const registered = await this.registry.find(userId, projectId);
    return registered && this.provide(registered);
  }

  async reserve(): Promise<SandboxWorkspace | undefined> {
    await (this.#swept ??= this.sweep());
    const reserved = await this.registry.reserve();
    return reserved && this.furnish(reserved);
  }

  offer({ id }: SandboxWorkspace, taken: () => void): void {
    this.registry.waiting.offer({ id, taken });
  }

  withdraw({ id }: SandboxWorkspace): boolean {
    const mine = this.registry.waiting.withdraw(id);
    if (mine)
      this.registry
        .release(id)
        .then(() => this.giveUp(id))
        // Its row is swept, and its directory removed, after the next start.
        .catch((error: unknown) =>
          this.#logger.warn({ msg: 'a waiting workspace was left behind', err: error }),
        );
    return mine;
  }

  async list(workspace: Workspace): Promise<FileEntry[]> {
    const { lines } = await this.housekeeping.ask(workspace, { op: 'list', maxEntries: LIST_MAX }, DONE);
    return lines.map((line) => ENTRY.parse(JSON.parse(line)));
  }

  async read(workspace: Workspace, path: string): Promise<{ size: number; content: Readable }> {
    const shape = DONE.extend({ size: z.number() });
    const { head, content } = await this.housekeeping.fetch(
      workspace,
      { op: 'read', path: workspacePath(path) },
      shape,
    );
    return { size: head.size, content: exactly(head.size, content) };
  }

  async write(
    workspace: Workspace,
    path: string,
    content: Readable,
  ): Promise<{ created: boolean; size: number }> {
    const request = {
      op: 'write',
      path: workspacePath(path),
      maxBytes: this.config.values.FILE_MAX_BYTES,
    } as const;
    const shape = DONE.extend({ created: z.boolean(), size: z.number() });
    const { created, size } = (await this.housekeeping.ask(workspace, request, shape, { content })).head;
    return { created, size };
  }

  async remove(workspace: Workspace, path: string): Promise<void> {
    await this.housekeeping.ask(workspace, { op: 'remove', path: workspacePath(path) }, DONE);
  }

  async mustExist(workspace: Workspace, paths: Parameters<Workspaces['mustExist']>[1]): Promise<void> {
    for (const { path } of paths) if (path !== '.') workspacePath(path);
    // The workspace itself is always there: most requests name nothing else, and need no sandbox for it.
    const asked = paths.filter(({ path, type }) => path !== '.' || type === 'file');
    if (asked.length === 0) return;
    const shape = DONE.extend({ missing: z.array(z.string()) });
    const { missing } = (await this.housekeeping.ask(workspace, { op: 'missing', paths: asked }, shape)).head;
    if (missing.length > 0)
      throw new ClaudeCodeError('E004', 'not in the workspace', { details: { paths: missing } });
  }

  async mark(workspace: Workspace): Promise<WorkspaceMark> {
    const mark = randomUUID();
    await this.#states.run(workspace.id, () =>
      this.housekeeping.ask(workspace, { op: 'mark', mark, ...this.scanLimits() }, DONE),
    );
    return { id: mark };
  }

  async changesSince(workspace: Workspace, mark: WorkspaceMark): Promise<ChangeSet> {
    const shape = DONE.extend({ skipped: z.array(z.object({ path: z.string(), entries: z.number() })) });
    const { head, lines } = await this.#states.run(workspace.id, () =>
      this.housekeeping.ask(workspace, { op: 'changes', mark: mark.id, ...this.scanLimits() }, shape),
    );
    return changeSet(lines, head.skipped);
  }

  async forget(workspace: Workspace, mark: WorkspaceMark): Promise<void> {
    await this.#states.run(workspace.id, () =>
      this.housekeeping.ask(workspace, { op: 'forget', mark: mark.id }, DONE),
    );
  }

  private scanLimits() {
    return { maxEntries: STATE_MAX, contentMaxBytes: this.config.values.CHANGE_CONTENT_MAX_BYTES };
  }

  private async provide(registered: RegisteredWorkspace): Promise<Workspace> {
    const { userId, projectId } = registered;
    const workspace = { ...(await this.furnish(registered)), userId, projectId };
    await this.discardAbandoned(workspace);
    return workspace;
  }

  /** Takes back what a server that was killed had begun to put in place. */
  private async discardAbandoned(workspace: Workspace): Promise<void> {
    const { stagings } = this.housekeeping;
    const abandoned = await stagings.abandoned(workspace.id);
    if (abandoned.length === 0) return;
    await this.#states.run(workspace.id, () =>
      this.housekeeping.ask(workspace, { op: 'discard', stagings: abandoned }, DONE),
    );
    for (const name of abandoned) await stagings.forget(workspace.id, name);
  }

  /** Makes what is missing of the workspace's directories; each is its uid's alone. */
  private async furnish({ id, uid }: { id: string; uid?: number }): Promise<SandboxWorkspace> {
    const [path, state] = this.directoriesOf(id);
    for (const directory of [path, state]) await provideDirectory(directory, uid);
    return { id, path, ...(uid === undefined ? {} : { uid }) };
  }

  private directoriesOf(id: string): [path: string, state: string] {
    return [join(this.config.workspaceRoot, id), this.housekeeping.stateDirectory(id)];
  }

  /** What waited when the last process died waits for nobody. */
  private async sweep(): Promise<void> {
    for (const id of await this.registry.sweep()) await this.giveUp(id);
  }

  /** Nobody ever had it: its directories are empty. */
  private async giveUp(id: string): Promise<void> {
    for (const directory of this.directoriesOf(id))
      await rmdir(directory).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      });
  }
}

/** Below a directory of the server's, in which nobody else can put a link in its place. */
async function provideDirectory(directory: string, uid: number | undefined): Promise<void> {
  await makePassable(join(directory, '..'));
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  await chmod(directory, 0o700);
  if (uid !== undefined) await chown(directory, uid, uid);
}

/** Passes on a content that must have so many bytes; one that ends early is an error, not a shorter file. */
function exactly(size: number, content: Readable): Readable {
  let seen = 0;
  const checked = new Transform({
    transform(chunk: Buffer, _, done) {
      seen += chunk.length;
      done(null, chunk);
    },
    flush(done) {
      done(seen === size ? null : new ClaudeCodeError('E004', 'the file changed while it was read'));
    },
  });
  // An error reaches whoever reads; the callback is there because without one it would be thrown as well.
  pipeline(content, checked, () => undefined);
  return checked;
}
