/** What uploads, downloads and clones have in common: how many at once, for how long, how much, and that they leave nothing behind. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import type { ArchiveLimits } from './housekeeper/protocol.mts';
import { Housekeeping } from './housekeeping.js';
import type { Workspace } from './workspace.js';
import { WorkspaceStorage } from './workspace-storage.js';

/** Seconds: transfers end after some. */
const RETRY_AFTER = 5;
const DONE = z.object({ ok: z.literal(true) });

@Injectable()
export class Transfers {
  #running = 0;

  constructor(
    private readonly housekeeping: Housekeeping,
    private readonly storage: WorkspaceStorage,
    private readonly config: Config,
  ) {}

  get limits(): ArchiveLimits {
    const { values } = this.config;
    return {
      maxPackedBytes: values.UPLOAD_MAX_BYTES,
      maxBytes: values.UPLOAD_UNPACKED_MAX_BYTES,
      maxEntries: values.UPLOAD_MAX_ENTRIES,
      maxRatio: values.UPLOAD_MAX_RATIO,
      maxDepth: values.UPLOAD_MAX_DEPTH,
    };
  }

  /** @throws ClaudeCodeError E012 when there are too many; E001 is the signal's reason after `seconds` */
  async run<T>(seconds: number, work: (limit: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#running >= this.config.values.TRANSFERS_MAX_CONCURRENT)
      throw new ClaudeCodeError('E012', 'Too many uploads, downloads and clones are under way.', {
        retryAfter: RETRY_AFTER,
      });
    this.#running += 1;
    const controller = new AbortController();
    const late = () =>
      controller.abort(new ClaudeCodeError('E001', `It took longer than ${seconds} seconds.`));
    const timer = setTimeout(late, seconds * 1000);
    try {
      return await work(controller.signal);
    } finally {
      clearTimeout(timer);
      this.#running -= 1;
    }
  }

  /** Runs what puts a tree into a workspace; what is left of one that failed is taken back. @throws ClaudeCodeError E010 */
  place<T>(
    workspace: Workspace,
    seconds: number,
    signal: AbortSignal,
    work: (staging: string, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const discard = (staging: string) =>
      this.housekeeping.ask(workspace, { op: 'discard', stagings: [staging] }, DONE);
    return this.run(seconds, (limit) =>
      this.storage.changing(workspace, () =>
        this.housekeeping.lease.writing(workspace.id, () =>
          this.housekeeping.stagings.hold(
            workspace.id,
            (staging) => work(staging, AbortSignal.any([signal, limit])),
            discard,
          ),
        ),
      ),
    );
  }

  /** Runs what sends files of a workspace. @throws ClaudeCodeError E012 */
  take(workspace: Workspace, seconds: number, work: (limit: AbortSignal) => Promise<void>): Promise<void> {
    return this.run(seconds, (limit) => this.storage.reading(workspace, () => work(limit)));
  }
}
