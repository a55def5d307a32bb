/** Clones repositories in a sandbox whose only way out leads to the one host that the repository is on. */
import { readFile } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Config } from '../config/config.js';
import { isNamedBy } from '../config/host-pattern.js';
import { EgressGateway } from '../egress/egress-gateway.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { Housekeeping } from './housekeeping.js';
import { repositoryRef, repositoryUrl } from './repository.js';
import { Transfers } from './transfers.js';
import type { Workspace } from './workspace.js';

const CLONED = z.object({
  ok: z.literal(true),
  commit: z.string(),
  ref: z.string(),
  files: z.number(),
  bytes: z.number(),
});

export interface CloneOrder {
  url: string;
  ref?: string;
  depth?: number;
  /** Target directory from the workspace's root, '' for the workspace itself. */
  into: string;
  signal: AbortSignal;
}

export type Clone = Omit<z.infer<typeof CLONED>, 'ok'>;

@Injectable()
export class Clones {
  constructor(
    private readonly transfers: Transfers,
    private readonly housekeeping: Housekeeping,
    private readonly egress: EgressGateway,
    private readonly config: Config,
  ) {}

  /**
   * Clones into an empty directory, whole or not at all.
   * @throws ClaudeCodeError E001; E003 the url, the ref, an entry; E004 an entry that leads out; E006 a host that is not
   * granted; E009 what git cannot get; E010 not empty; E012; E015
   */
  async clone(workspace: Workspace, { url: asked, ref, signal, ...order }: CloneOrder): Promise<Clone> {
    const { url, host } = repositoryUrl(asked);
    if (ref !== undefined) repositoryRef(ref);
    await this.#mustBeGranted(workspace, host);
    const certificates = await this.#certificates();
    return this.transfers.place(
      workspace,
      this.config.values.CLONE_TIMEOUT,
      signal,
      async (staging, limited) => {
        const { userId, projectId, uid } = workspace;
        const route = await this.egress.open({
          userId,
          projectId,
          hosts: [host],
          ...(uid === undefined ? {} : { uid }),
        });
        try {
          // Again: it may have waited for its turn, and until the route was open nobody could take the host back from it.
          await this.#mustBeGranted(workspace, host);
          const { limits } = this.transfers;
          const request = {
            op: 'clone',
            staging,
            mode: 'merge',
            url,
            ref,
            certificates,
            limits,
            ...order,
          } as const;
          const options = { signal: limited, egressSocket: route.socketPath };
          const {
            commit,
            ref: got,
            files,
            bytes,
          } = (await this.housekeeping.ask(workspace, request, CLONED, options)).head;
          return { commit, ref: got, files, bytes };
        } finally {
          await route.close();
        }
      },
    );
  }

  async #mustBeGranted({ userId, projectId }: Workspace, host: string): Promise<void> {
    const granted = [...this.config.values.CLONE_HOSTS, ...(await this.egress.grantsOf(userId, projectId))];
    if (!isNamedBy(host, granted))
      throw new ClaudeCodeError(
        'E006',
        `The host ${host} is not granted to the project; an administrator can grant it.`,
      );
  }

  async #certificates(): Promise<string | undefined> {
    const { CLONE_CA_FILE: file } = this.config.values;
    return file === undefined ? undefined : readFile(file, 'utf8');
  }
}
