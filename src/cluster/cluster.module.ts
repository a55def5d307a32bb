/** The processes that share the work: which of them are there. */
import { Global, Module } from '@nestjs/common';
import { Membership } from './membership.js';

@Global()
@Module({ providers: [Membership], exports: [Membership] })
export class ClusterModule {}
