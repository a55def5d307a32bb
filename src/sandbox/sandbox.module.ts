/** Gives the house its sandboxes. */
import { Module } from '@nestjs/common';
import { BubblewrapSandboxes } from './bubblewrap/bubblewrap-sandboxes.js';
import { Sandboxes } from './sandbox.js';

@Module({ providers: [{ provide: Sandboxes, useClass: BubblewrapSandboxes }], exports: [Sandboxes] })
export class SandboxModule {}
