/** Workspaces as directories of the host that only sandboxes look into: the server makes them, and nothing more. */
import { randomBytes } from 'node:crypto';
import { access, chmod, chown, mkdir, readdir, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, Readable, Transform } from 'node:stream';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { makePassable } from '../sandbox/reachable.js';
import type { SandboxWorkspace } from '../sandbox/sandbox.js';
import { changeSet } from './changes.js';
import type { Request, SnapshotLimits } from './housekeeper/protocol.mts';
import { Housekeeping } from './housekeeping.js';
import { KeyedLock } from './keyed-lock.js';
import {
  type ChangeSet,
  type Content,
  type FileChange,
  type FileEntry,
  noChanges,
  type Snapshot,
  type Transition,
  type Workspace,
  Workspaces,
} from './workspace.js';
import { workspacePath } from './workspace-path.js';
import type { Guard, Writes } from './workspace-lease.js';
import { type RegisteredWorkspace, WorkspaceRegistry } from './workspace-registry.js';
import { WorkspaceStorage } from './workspace-storage.js';

/** Entries that a list tells, and that a state may have: what a server can still answer for in seconds. */
const LIST_MAX = 100_000;
const STATE_MAX = 200_000;

/** Milliseconds that a state is kept although nobody has named it: far above the longest execution. */
const COLLECT_GRACE = 24 * 60 * 60 * 1000;
/** Milliseconds around an execution in which its copy is made and removed. */
const COPY_GRACE = 60 * 60 * 1000;
/** Between a workspace's directory name and the name of a copy that lies beside it. */
const COPY_MARK = '.copy-';

const DONE = z.object({ ok: z.literal(true) });
const SNAPSHOT = DONE.extend({
  tree: z.string(),
  files: z.number(),
  bytes: z.number(),
  skipped: z.array(z.object({ path: z.string(), entries: z.number() })),
});
const ENTRY = z.object({
  path: z.string(),
  size: z.number(),
  modifiedAt: z.number(),
  type: z.enum(['file', 'directory', 'symlink', 'other']),
});

@Injectable()
export class SandboxedWorkspaces extends Workspaces implements OnModuleInit {
  readonly #logger = new Logger(SandboxedWorkspaces.name);
  /** Who uses what is kept of them: one at a time. */
  readonly #states = new KeyedLock();
  #swept?: Promise<void>;

  constructor(
    private readonly registry: WorkspaceRegistry,
    private readonly housekeeping: Housekeeping,
    private readonly storage: WorkspaceStorage,
    private readonly config: Config,
  ) {
    super();
  }

  /** Copies that a death left behind; before anything runs here, so that none of them is in use. */
  async onModuleInit(): Promise<void> {
    for (const name of await readdir(this.config.workspaceRoot).catch(noneIfMissing)) {
      const [id = '', copy] = name.split(COPY_MARK);
      if (copy !== undefined && (await this.#isLeftOver(name)))
        // It takes a sandbox, and the server does not wait for those to start.
        void this.#discardLeftOver(id, copy).catch((error: unknown) =>
          this.#logger.warn({ msg: 'a copy was left behind', err: error }),
        );
    }
  }

  /** With several processes it may be another one's: then the age tells, no execution takes that long. */
  async #isLeftOver(name: string): Promise<boolean> {
    if (!this.config.sharedVolume) return true;
    const { ctimeMs } = await stat(join(this.config.workspaceRoot, name));
    return Date.now() - ctimeMs > this.config.values.CLAUDE_CODE_TIMEOUT * 1000 + COPY_GRACE;
  }

  async #discardLeftOver(id: string, copy: string): Promise<void> {
    const registered = await this.registry.findById(id);
    if (registered === undefined) return;
    const workspace = await this.provide(registered);
    await this.discard({ ...workspace, copy, path: `${workspace.path}${COPY_MARK}${copy}` });
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
    const { lines } = await this.#look(workspace, () =>
      this.housekeeping.ask(workspace, { op: 'list', maxEntries: LIST_MAX }, DONE),
    );
    return lines.map((line) => ENTRY.parse(JSON.parse(line)));
  }

  async read(workspace: Workspace, path: string): Promise<{ size: number; content: Readable }> {
    const shape = DONE.extend({ size: z.number() });
    const request = { op: 'read', path: workspacePath(path) } as const;
    // The file is open when the answer begins: whatever comes in its place then, its bytes are its own.
    const { head, content } = await this.#look(workspace, () =>
      this.housekeeping.fetch(workspace, request, shape),
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
    const { created, size } = await this.#change(
      workspace,
      async () => (await this.housekeeping.ask(workspace, request, shape, { content })).head,
    );
    return { created, size };
  }

  async remove(workspace: Workspace, path: string): Promise<void> {
    const request = { op: 'remove', path: workspacePath(path) } as const;
    await this.#change(workspace, () => this.housekeeping.ask(workspace, request, DONE));
  }

  async mustExist(workspace: Workspace, paths: Parameters<Workspaces['mustExist']>[1]): Promise<void> {
    for (const { path } of paths) if (path !== '.') workspacePath(path);
    // The workspace itself is always there: most requests name nothing else, and need no sandbox for it.
    const asked = paths.filter(({ path, type }) => path !== '.' || type === 'file');
    if (asked.length === 0) return;
    const shape = DONE.extend({ missing: z.array(z.string()) });
    const { head } = await this.#look(workspace, () =>
      this.housekeeping.ask(workspace, { op: 'missing', paths: asked }, shape),
    );
    const { missing } = head;
    if (missing.length > 0)
      throw new ClaudeCodeError('E004', 'not in the workspace', { details: { paths: missing } });
  }

  async snapshot(workspace: Workspace, { count = false } = {}): Promise<Snapshot> {
    const { id, copy } = workspace;
    const { latest, lease } = this.housekeeping;
    const writes = copy === undefined ? await lease.writes(id) : undefined;
    const known = writes && latest.get(id, writes);
    if (known !== undefined && !(count && known.skipped.length > 0)) return known;
    const request = {
      op: 'snapshot',
      count,
      ...(copy === undefined ? {} : { copy }),
      ...this.limits(),
    } as const;
    const snapshot = (await this.storage.keeping(workspace, () => this.#keep(workspace, request, SNAPSHOT)))
      .head;
    if (writes !== undefined && isQuiet(writes, await lease.writes(id)))
      latest.put(id, snapshot, writes.span);
    return snapshot;
  }

  async known(userId: string, projectId: string): Promise<Content | undefined> {
    const id = await this.registry.idOf(userId, projectId);
    return id === undefined ? undefined : this.#known(id);
  }

  async content(workspace: Workspace): Promise<Content | undefined> {
    const { lease } = this.housekeeping;
    const before = await lease.writes(workspace.id);
    if (before.writers > 0) return undefined;
    const snapshot = await this.snapshot(workspace);
    const after = await lease.writes(workspace.id);
    return isQuiet(before, after) ? content(workspace.id, snapshot, after) : undefined;
  }

  async watch({ id }: Workspace, own: 0 | 1): Promise<() => Promise<boolean>> {
    const { lease } = this.housekeeping;
    const { span } = await lease.writes(id);
    return async () => {
      const now = await lease.writes(id);
      return now.span !== span || now.changing > 0 || now.writers > own;
    };
  }

  async #known(workspaceId: string): Promise<Content | undefined> {
    const { latest, lease } = this.housekeeping;
    const writes = await lease.writes(workspaceId);
    if (!isQuiet(writes, writes)) return undefined;
    const snapshot = latest.get(workspaceId, writes);
    return snapshot && content(workspaceId, snapshot, writes);
  }

  async changes(workspace: Workspace, before: Snapshot, after: Snapshot): Promise<ChangeSet> {
    if (before.tree === after.tree) return noChanges(after.skipped);
    const { CHANGE_CONTENT_MAX_BYTES: contentMaxBytes } = this.config.values;
    const request = { op: 'changes', before: before.tree, after: after.tree, contentMaxBytes } as const;
    const { lines } = await this.storage.reading(workspace, () => this.#keep(workspace, request, DONE));
    return changeSet(lines, after.skipped);
  }

  archive(workspace: Workspace, before: string, after: string): Promise<Readable> {
    return this.storage.reading(workspace, () =>
      this.#keeping(workspace.id, async () => {
        const request = { op: 'export', before, after } as const;
        return (await this.housekeeping.fetch(workspace, request, DONE)).content;
      }),
    );
  }

  transit(workspace: Workspace, way: { from: string; to: string }): Promise<Transition> {
    return this.storage.changing(workspace, () => this.#transit(workspace, way));
  }

  #transit(workspace: Workspace, way: { from: string; to: string }): Promise<Transition> {
    const { id } = workspace;
    return this.housekeeping.lease.exclusive(id, async () => {
      if ((await this.housekeeping.lease.writes(id)).writers > 0)
        throw new ClaudeCodeError(
          'E010',
          'An execution, an upload or a clone is writing to this workspace; try again when it has ended.',
        );
      const request = { op: 'transit', ...way, ...this.limits() } as const;
      try {
        const shape = DONE.extend({ stayed: z.array(z.string()) });
        const { head, lines } = await this.#keep(workspace, request, shape);
        const { files, directories } = await changeSet(lines, []);
        return {
          files: files.map(withoutContent),
          ...(directories && { directories }),
          stayed: head.stayed,
        };
      } catch (error) {
        // It may have died on its way; nobody else may come before the way has been gone to its end.
        await this.#recover(workspace);
        throw error;
      }
    });
  }

  async copy(workspace: Workspace): Promise<Workspace> {
    const name = randomBytes(16).toString('hex');
    const copy = { ...workspace, copy: name, path: `${workspace.path}${COPY_MARK}${name}` };
    await provideDirectory(copy.path, workspace.uid);
    try {
      await this.housekeeping.lease.shared(workspace.id, () =>
        this.#keep(workspace, { op: 'copy', copy: name, ...this.limits() }, DONE, [
          { source: copy.path, target: '/copy' },
        ]),
      );
      return copy;
    } catch (error) {
      await this.discard(copy);
      throw error;
    }
  }

  async discard(copy: Workspace): Promise<void> {
    if (copy.copy === undefined) throw new TypeError('only a copy can be discarded');
    await this.#keep(copy, { op: 'drop', copy: copy.copy }, DONE);
    await rmdir(copy.path);
  }

  trying<T>(workspace: Workspace, work: (copy: Workspace) => Promise<T>, guard?: Guard): Promise<T> {
    return this.storage.writing(
      workspace,
      async () => {
        const copy = await this.copy(workspace);
        try {
          return await work(copy);
        } finally {
          await this.discard(copy).catch((error: unknown) =>
            this.#logger.warn({ msg: 'a copy was left behind', err: error }),
          );
        }
      },
      guard,
    );
  }

  reading<T>(workspace: Workspace, work: () => Promise<T>): Promise<T> {
    return this.storage.reading(workspace, work);
  }

  writing<T>(workspace: Workspace, work: () => Promise<T>, guard?: Guard): Promise<T> {
    return this.housekeeping.lease.writing(workspace.id, () => this.storage.writing(workspace, work, guard));
  }

  async collect(workspaceId: string, named: () => Promise<string[]>): Promise<void> {
    const registered = await this.registry.findById(workspaceId);
    if (registered === undefined) return;
    const workspace = await this.provide(registered);
    // Asked for under the lock: whoever makes a state meanwhile is younger than the grace.
    const request = async () => ({ op: 'collect', named: await named(), graceMs: COLLECT_GRACE }) as const;
    await this.storage.keeping(workspace, () =>
      this.#keeping(
        workspace.id,
        async () => this.housekeeping.ask(workspace, await request(), DONE),
        'collecting',
      ),
    );
  }

  /** A short look at the files. */
  #look<T>(workspace: Workspace, work: () => Promise<T>): Promise<T> {
    return this.storage.reading(workspace, () => this.housekeeping.lease.shared(workspace.id, work));
  }

  /** A short write of the API's own. */
  #change<T>(workspace: Workspace, work: () => Promise<T>): Promise<T> {
    return this.storage.changing(workspace, () => this.housekeeping.lease.changing(workspace.id, work));
  }

  #keep<T extends z.ZodType>(
    workspace: Workspace,
    request: Request,
    shape: T,
    writable?: { source: string; target: string }[],
  ) {
    return this.#keeping(workspace.id, () => this.housekeeping.ask(workspace, request, shape, { writable }));
  }

  /**
   * With what is kept of a workspace. Every file of it is put in place whole, so that processes can do that beside each
   * other; what collects must be alone: it would take a content away that somebody has just found there.
   */
  #keeping<T>(workspaceId: string, work: () => Promise<T>, use?: 'collecting'): Promise<T> {
    const { lease } = this.housekeeping;
    return this.#states.run(workspaceId, () => {
      if (!this.config.sharedVolume) return work();
      const states = `states of ${workspaceId}`;
      return use === 'collecting' ? lease.exclusive(states, work) : lease.shared(states, work);
    });
  }

  /** Ends what a death in the middle left undone, if it did. */
  async #recover(workspace: Workspace): Promise<void> {
    if (await this.#isUnfinished(workspace.id)) await this.#keep(workspace, { op: 'recover' }, DONE);
  }

  /** A name in a directory that agents never see; what it holds is read in a sandbox only. */
  async #isUnfinished(id: string): Promise<boolean> {
    try {
      await access(join(this.housekeeping.stateDirectory(id), 'journal'));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  private limits(): SnapshotLimits {
    const { SNAPSHOT_FILE_MAX_BYTES: fileMaxBytes, SNAPSHOT_STORE_MAX_BYTES: storeMaxBytes } =
      this.config.values;
    return { maxEntries: STATE_MAX, fileMaxBytes, storeMaxBytes };
  }

  private async provide(registered: RegisteredWorkspace): Promise<Workspace> {
    const { userId, projectId } = registered;
    const workspace = { ...(await this.furnish(registered)), userId, projectId };
    // What a death left in a copy goes when the copy is made the truth again.
    if (this.config.bucket !== undefined) return workspace;
    await this.discardAbandoned(workspace);
    // Nobody sees it half-way: whoever comes first after a death ends what was begun.
    if (await this.#isUnfinished(workspace.id))
      await this.housekeeping.lease.exclusive(workspace.id, () => this.#recover(workspace));
    return workspace;
  }

  /** Takes back what a server that was killed had begun to put in place. */
  private async discardAbandoned(workspace: Workspace): Promise<void> {
    const { stagings, lease } = this.housekeeping;
    if ((await stagings.abandoned(workspace.id)).length === 0) return;
    if (!this.config.sharedVolume) return this.#takeBack(workspace);
    // Whoever has a staging writes: while somebody does, in whichever process, it may be his.
    const isWritten = async () => (await lease.writes(workspace.id)).writers > 0;
    if (await isWritten()) return;
    await lease.exclusive(workspace.id, async () => {
      if (!(await isWritten())) await this.#takeBack(workspace);
    });
  }

  async #takeBack(workspace: Workspace): Promise<void> {
    const { stagings } = this.housekeeping;
    const abandoned = await stagings.abandoned(workspace.id);
    if (abandoned.length === 0) return;
    await this.#keeping(workspace.id, () =>
      this.housekeeping.ask(workspace, { op: 'discard', stagings: abandoned }, DONE),
    );
    for (const name of abandoned) await stagings.forget(workspace.id, name);
  }

  /** Makes what is missing of the workspace's directories; each is its uid's alone. */
  private async furnish({ id, uid }: { id: string; uid?: number }): Promise<SandboxWorkspace> {
    const [path, state] = this.directoriesOf(id);
    const made = [await provideDirectory(path, uid), await provideDirectory(state, uid)];
    if (made.every(Boolean)) await this.storage.made(id);
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
    await this.storage.gone(id);
    for (const directory of this.directoriesOf(id))
      await rmdir(directory).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      });
  }
}

function noneIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

/** Whether nobody wrote from one moment to the other. */
const isQuiet = (before: Writes, after: Writes): boolean =>
  before.span === after.span && [before, after].every(({ writers, changing }) => writers + changing === 0);

function content(workspaceId: string, snapshot: Snapshot, { span }: Writes): Content {
  const isWhole = snapshot.skipped.length === 0;
  return { workspaceId, name: isWhole ? snapshot.tree : `${snapshot.tree} ${workspaceId} ${span}`, snapshot };
}

const withoutContent = ({ path, action, size }: FileChange): FileChange => ({ path, action, size });

/** Below a directory of the server's, in which nobody else can put a link in its place. Answers whether it was missing. */
async function provideDirectory(directory: string, uid: number | undefined): Promise<boolean> {
  await makePassable(join(directory, '..'));
  let isNew = true;
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    isNew = false;
  }
  await chmod(directory, 0o700);
  if (uid !== undefined) await chown(directory, uid, uid);
  return isNew;
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
