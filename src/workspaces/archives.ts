/** Archives that come from outside or go there: packed and unpacked in a sandbox, the server passes bytes on. */
import { pipeline, type Readable, Transform } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Config } from '../config/config.js';
import type { ArchiveFormat, PlacingMode } from './housekeeper/protocol.mts';
import { Housekeeping } from './housekeeping.js';
import { Transfers } from './transfers.js';
import type { Workspace } from './workspace.js';

/** Entries of a download: as many as a workspace is taken with. */
const PACK_MAX_ENTRIES = 200_000;

const DONE = z.object({ ok: z.literal(true) });
const UNPACKED = DONE.extend({ files: z.number(), bytes: z.number() });

export interface Upload {
  format: ArchiveFormat;
  /** Target directory from the workspace's root, '' for the workspace itself. */
  into: string;
  mode: PlacingMode;
  content: Readable;
  /** Gives up, e.g. when its sender stands still. */
  signal: AbortSignal;
}

export interface Download {
  format: ArchiveFormat;
  /** Directory from the workspace's root, '' for the workspace itself. */
  path: string;
  /** Also what is left out of changes. */
  everything: boolean;
}

@Injectable()
export class Archives {
  constructor(
    private readonly transfers: Transfers,
    private readonly housekeeping: Housekeeping,
    private readonly config: Config,
  ) {}

  /**
   * Unpacks an archive, whole or not at all.
   * @throws ClaudeCodeError E001; E003, E004 an entry that is refused (`details.entry`); E010; E012; E015
   */
  async unpack(
    workspace: Workspace,
    { content, signal, ...upload }: Upload,
  ): Promise<{ files: number; bytes: number }> {
    return this.transfers.place(
      workspace,
      this.config.values.TRANSFER_TIMEOUT,
      signal,
      async (staging, limited) => {
        const request = { op: 'unpack', staging, limits: this.transfers.limits, ...upload } as const;
        const options = { content, signal: limited };
        const { files, bytes } = (await this.housekeeping.ask(workspace, request, UNPACKED, options)).head;
        return { files, bytes };
      },
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
    const { SANDBOX_WORKSPACE_BYTES: maxBytes, TRANSFER_TIMEOUT } = this.config.values;
    await this.transfers.take(workspace, TRANSFER_TIMEOUT, async (limit) => {
      const request = { op: 'pack', maxEntries: PACK_MAX_ENTRIES, maxBytes, ...download } as const;
      const { content, mustBeWhole } = await this.housekeeping.fetch(workspace, request, DONE);
      await send(whole(content, mustBeWhole), limit);
    });
  }
}

/** Passes an archive on, and fails at its end when the housekeeper did: a part of an archive must not look like one. */
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
