/** Names to addresses, asked once for each connection, on the host: a sandbox has no resolver. */
import { lookup } from 'node:dns/promises';
import { Injectable } from '@nestjs/common';

export abstract class Resolver {
  /** All addresses of a name, in the order in which to try them. @throws Error when it has none */
  abstract addressesOf(name: string): Promise<readonly string[]>;
}

@Injectable()
export class SystemResolver extends Resolver {
  async addressesOf(name: string): Promise<readonly string[]> {
    const found = await lookup(name, { all: true, order: 'ipv4first' });
    return found.map(({ address }) => address);
  }
}
