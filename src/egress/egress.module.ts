/** Gives the house its way to granted hosts. */
import { Module } from '@nestjs/common';
import { EgressController } from './egress.controller.js';
import { EgressGateway } from './egress-gateway.js';
import { EgressGrants } from './egress-grants.js';
import { Resolver, SystemResolver } from './resolver.js';
import { UnixSocketEgressGateway } from './unix-socket-egress-gateway.js';

@Module({
  controllers: [EgressController],
  providers: [
    EgressGrants,
    UnixSocketEgressGateway,
    { provide: EgressGateway, useExisting: UnixSocketEgressGateway },
    { provide: Resolver, useClass: SystemResolver },
  ],
  exports: [EgressGateway],
})
export class EgressModule {}
