/** Whole trees of a project over HTTP: one archive in, one archive out. */
import { pipeline } from 'node:stream/promises';
import { Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { actingAs } from '../access/acting-as.js';
import { CallerOf } from '../access/caller.decorator.js';
import type { Caller } from '../access/principal.js';
import { Scopes } from '../access/scopes.decorator.js';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { Archives } from './archives.js';
import { DownloadQuery, UploadedTree, UploadQuery } from './archives.dto.js';
import { ProjectParam } from '../access/project.dto.js';
import type { ArchiveFormat } from './housekeeper/protocol.mts';
import { Workspaces } from './workspace.js';
import { directoryPath } from './workspace-path.js';

const TYPES: Readonly<Record<string, ArchiveFormat>> = {
  'application/gzip': 'tar.gz',
  'application/x-gzip': 'tar.gz',
  'application/x-tgz': 'tar.gz',
  'application/x-compressed-tar': 'tar.gz',
  'application/zip': 'zip',
  'application/x-zip-compressed': 'zip',
};
const TYPE_OF = { 'tar.gz': 'application/gzip', zip: 'application/zip' } as const satisfies Record<
  ArchiveFormat,
  string
>;

@ApiTags('files')
@ApiBearerAuth()
@Controller('projects/:projectId')
export class ArchivesController {
  constructor(
    private readonly workspaces: Workspaces,
    private readonly archives: Archives,
    private readonly config: Config,
  ) {}

  @Post('upload')
  @HttpCode(200)
  @Scopes('run')
  @ApiOperation({ summary: 'Unpack a tar.gz or zip into the project, whole or not at all' })
  @ApiConsumes('application/gzip', 'application/zip')
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @ApiOkResponse({ type: UploadedTree })
  async upload(
    @Param() { projectId }: ProjectParam,
    @Query() query: UploadQuery,
    @CallerOf() { principal }: Caller,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<UploadedTree> {
    const format = formatOf(request);
    const into = directoryPath(query.path);
    const { UPLOAD_MAX_BYTES: max, REQUEST_TIMEOUT_MS } = this.config.values;
    if (Number(request.headers['content-length']) > max)
      throw new ClaudeCodeError('E015', `the archive is larger than ${max} bytes`);
    const workspace = await this.workspaces.open(actingAs(principal, query.userId), projectId);
    using stall = stalling(request, response, REQUEST_TIMEOUT_MS);
    return await this.archives.unpack(workspace, {
      format,
      into,
      mode: query.mode ?? 'merge',
      content: request,
      signal: stall.signal,
    });
  }

  @Get('download')
  @Scopes('read')
  @ApiOperation({ summary: 'The project as one archive: links as links, special files left out' })
  @ApiProduces('application/gzip', 'application/zip')
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  async download(
    @Param() { projectId }: ProjectParam,
    @Query() query: DownloadQuery,
    @CallerOf() { principal }: Caller,
    @Res() response: Response,
  ): Promise<void> {
    const { format = 'tar.gz', everything } = query;
    const path = directoryPath(query.path);
    const workspace = await this.workspaces.find(actingAs(principal, query.userId), projectId);
    if (workspace === undefined) throw new ClaudeCodeError('E009', 'There is no such project.');
    const order = { format, path, everything: everything === 'true' || everything === '1' };
    await this.archives.pack(workspace, order, async (content, signal) => {
      response.attachment(`${projectId}.${format}`).type(TYPE_OF[format]);
      await pipeline(content, response, { signal });
    });
  }
}

/** @throws ClaudeCodeError E003 */
function formatOf({ headers }: Request): ArchiveFormat {
  const format = TYPES[(headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''];
  if (format === undefined)
    throw new ClaudeCodeError(
      'E003',
      'Content-Type must be application/gzip (a tar.gz) or application/zip.',
      {
        details: [{ field: 'Content-Type', problem: 'is no archive that is known here' }],
      },
    );
  if (headers['content-encoding'] !== undefined)
    throw new ClaudeCodeError('E003', 'Send the archive as it is, without Content-Encoding.', {
      details: [{ field: 'Content-Encoding', problem: 'must not be there' }],
    });
  return format;
}

/** Aborts when nothing has come for so many milliseconds and not everything is there. */
function stalling(
  request: Request,
  response: Response,
  milliseconds: number,
): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  // At the response: Node itself closes a silent socket unless somebody listens there, also while we unpack.
  response.setTimeout(milliseconds, () => {
    if (!request.complete)
      controller.abort(new ClaudeCodeError('E001', 'The upload stood still for too long.'));
  });
  return { signal: controller.signal, [Symbol.dispose]: () => void response.setTimeout(0) };
}
