/** Answers what no route took, below /api and outside it, in the envelope: the framework does so only below its prefix. */
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { NextFunction, Request, Response } from 'express';
import { ClaudeCodeError } from '../errors/claude-code.error.js';

@Injectable()
export class UnknownRoute implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  /** The routes stand by now, the framework's error handler follows: this comes between. */
  onModuleInit(): void {
    this.host.httpAdapter.use((_request: Request, _response: Response, next: NextFunction) =>
      next(new ClaudeCodeError('E009', 'Not found.')),
    );
  }
}
