/** A project's files over HTTP: bytes as they are, in and out. */
import { pipeline } from 'node:stream/promises';
import { Controller, Delete, Get, HttpCode, Param, Put, Query, Req, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiNoContentResponse,
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
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { OfUserQuery, ProjectParam } from '../access/project.dto.js';
import { FileList, FileParam, WrittenFile } from './files.dto.js';
import { type Workspace, Workspaces } from './workspace.js';
import { workspacePath } from './workspace-path.js';

@ApiTags('files')
@ApiBearerAuth()
@Controller('projects/:projectId/files')
export class FilesController {
  constructor(private readonly workspaces: Workspaces) {}

  @Get()
  @Scopes('read')
  @ApiOperation({ summary: 'All files of the project, in path order' })
  @ApiOkResponse({ type: FileList })
  async list(
    @Param() { projectId }: ProjectParam,
    @Query() query: OfUserQuery,
    @CallerOf() { principal }: Caller,
  ): Promise<FileList> {
    const workspace = await this.workspaces.find(actingAs(principal, query.userId), projectId);
    return { items: workspace === undefined ? [] : await this.workspaces.list(workspace) };
  }

  @Get('*path')
  @Scopes('read')
  @ApiOperation({ summary: "One file's bytes" })
  @ApiProduces('application/octet-stream')
  async read(
    @Param() { projectId, path }: FileParam,
    @Query() query: OfUserQuery,
    @CallerOf() { principal }: Caller,
    @Res() response: Response,
  ): Promise<void> {
    const file = fileOf(path);
    const workspace = await this.existing(actingAs(principal, query.userId), projectId);
    const { size, content } = await this.workspaces.read(workspace, file);
    // As an attachment: a page that somebody put into a workspace must not run in the service's origin.
    // `attachment` sets a type by the name's ending, so the type comes after it.
    response.attachment(file).type('application/octet-stream').setHeader('Content-Length', size);
    await pipeline(content, response);
  }

  @Put('*path')
  @Scopes('run')
  @ApiOperation({ summary: 'Write one file, whole or not at all; directories are made' })
  @ApiConsumes('application/octet-stream')
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @ApiOkResponse({ type: WrittenFile, description: '201 when the file is new' })
  async write(
    @Param() { projectId, path }: FileParam,
    @Query() query: OfUserQuery,
    @CallerOf() { principal }: Caller,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<WrittenFile> {
    const file = fileOf(path);
    const workspace = await this.workspaces.open(actingAs(principal, query.userId), projectId);
    const { created, size } = await this.workspaces.write(workspace, file, request);
    response.status(created ? 201 : 200);
    return { path: file, size };
  }

  @Delete('*path')
  @HttpCode(204)
  @Scopes('run')
  @ApiOperation({ summary: 'Remove a file, or a directory with all that is in it' })
  @ApiNoContentResponse()
  async remove(
    @Param() { projectId, path }: FileParam,
    @Query() query: OfUserQuery,
    @CallerOf() { principal }: Caller,
  ): Promise<void> {
    const file = fileOf(path);
    await this.workspaces.remove(await this.existing(actingAs(principal, query.userId), projectId), file);
  }

  private async existing(userId: string, projectId: string): Promise<Workspace> {
    const workspace = await this.workspaces.find(userId, projectId);
    if (workspace === undefined) throw new ClaudeCodeError('E009', 'There is no such file.');
    return workspace;
  }
}

/** The parts were decoded once, by the router; whatever still stands in them is part of a name. */
const fileOf = (parts: string[]): string => workspacePath(parts.join('/'), 'path');
