/** Trees of files that come from outside or go there: packed and unpacked in a sandbox, the server passes bytes on. */
import { Transform, pipeline, type Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import type { ArchiveFormat, ArchiveLimits, Placing, PlacingMode } from './housekeeper/protocol.mts';
import { Housekeeping } from './housekeeping.js';
import { Slots } from './slots.js';
import type { Workspace } from './workspace.js';

/** Entries of a download: as many as a workspace is taken with. */
const PACK_MAX_ENTRIES = 200_000;

const DONE = z.object({ ok: z.literal(true) });
const PLACED = DONE.extend({ files: z.number(), bytes: z.number() });

export interface Upload {
  format: ArchiveFormat;
  /** Target directory from the workspace's root, '' for the workspace itself. */
  into: string;
  mode: PlacingMode;
  content: Readable;
  /** Gives up when its sender stands still. */
  signal: AbortSignal;
}

export interface Download {
  format: ArchiveFormat;
  path: string;
  everything: boolean;
}

@Injectable()
export class Archives {
  readonly #slots: Slots;

  constructor(
    private readonly housekeeping: Housekeeping,
    private readonly config: Config,
  ) {
    this.#slots = new Slots(config.values.TRANSFERS_MAX_CONCURRENT);
  }

  /**
   * Unpacks an archive, whole or not at all.
   * @throws ClaudeCodeError E001; E003, E004 an entry that is refused (`details.entry`); E010; E012; E015
   */
  async unpack(
    workspace: Workspace,
    { content, signal, ...upload }: Upload,
  ): Promise<{ files: number; bytes: number }> {
    return this.#slots.take(() =>
      this.#placing(workspace, async (staging) => {
        const request = { op: 'unpack', staging, limits: this.#limits, ...upload } as const;
        using limit = timeLimit(this.config.values.TRANSFER_TIMEOUT);
        const limited = AbortSignal.any([signal, limit.signal]);
        const { files, bytes } = (await this.housekeeping.ask(workspace, request, PLACED, content, limited))
          .head;
        return { files, bytes };
      }),
    );
  }

  /**
   * Packs a directory and gives its bytes to `send`, which resolves when they are sent.
   * @throws ClaudeCodeError E001; E003, E004, E009 the path; E012; E015
   */
  async pack(
    workspace: Workspace,
    download: Download,
    send: (content: Readable, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { SANDBOX_WORKSPACE_BYTES: maxBytes } = this.config.values;
    await this.#slots.take(async () => {
      const request = { op: 'pack', maxEntries: PACK_MAX_ENTRIES, maxBytes, ...download } as const;
      const { content, mustBeWhole } = await this.housekeeping.fetch(workspace, request, DONE);
      using limit = timeLimit(this.config.values.TRANSFER_TIMEOUT);
      await send(whole(content, mustBeWhole), limit.signal);
    });
  }

  #placing<T>(workspace: Workspace, work: (staging: Placing['staging']) => Promise<T>): Promise<T> {
    return this.housekeeping.stagings.hold(workspace.id, work, (staging) =>
      this.housekeeping.ask(workspace, { op: 'discard', stagings: [staging] }, DONE),
    );
  }

  get #limits(): ArchiveLimits {
    const { values } = this.config;
    return {
      maxPackedBytes: values.UPLOAD_MAX_BYTES,
      maxBytes: values.UPLOAD_UNPACKED_MAX_BYTES,
      maxEntries: values.UPLOAD_MAX_ENTRIES,
      maxRatio: values.UPLOAD_MAX_RATIO,
      maxDepth: values.UPLOAD_MAX_DEPTH,
    };
  }
}

/** As `AbortSignal.timeout`, with an error of ours, and without a timer that goes on when the work is done. */
function timeLimit(seconds: number): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new ClaudeCodeError('E001', `It took longer than ${seconds} seconds.`)),
    seconds * 1000,
  );
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Passes an archive on, and fails at its end when the sandbox did: a part of an archive must not look like one. */
function whole(content: Readable, mustBeWhole: () => Promise<void>): Readable {
  const checked = new Transform({
    transform: (chunk: Buffer, _, done) => done(null, chunk),
    flush(done) {
      mustBeWhole().then(() => done(), done);
    },
  });
  // An error reaches whoever reads; the callback is there because without one it would be thrown as well.
  pipeline(content, checked, () => undefined);
  return checked;
}
