/** Whether an address is of the public network: decided from the address that is dialled, never from a name. */
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';

/** The only IPv6 that is given out to the public network (IANA). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** NAT64: how a host without IPv4 reaches one with it only; the last 32 bits are judged. Other embeddings are refused. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
const IPV4_BYTES = 4;
/** Public by its range, but answered by the host below a virtual machine (Azure), with what it tells to that machine only. */
const PLATFORM = '168.63.129.16';

export interface AddressRule {
  /** For tests: 127.0.0.0/8 counts as public. */
  loopback: boolean;
}

/** @param own addresses of this host, in any spelling; by default those of its interfaces now */
export function isPublic(address: string, { loopback }: AddressRule, own = ownAddresses()): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv6 && parsed.match(NAT64))
    return isPublic(embedded(parsed), { loopback }, own);
  if (loopback && parsed instanceof ipaddr.IPv4 && parsed.range() === 'loopback') return true;
  if (parsed.range() !== 'unicast' || own.some((mine) => isSameAddress(mine, address))) return false;
  return parsed instanceof ipaddr.IPv6 ? parsed.match(GLOBAL_UNICAST) : parsed.toString() !== PLATFORM;
}

/** Whatever their spelling; an IPv4 address is the same as its mapping into IPv6. */
export const isSameAddress = (one: string, other: string): boolean =>
  ipaddr.isValid(one) &&
  ipaddr.isValid(other) &&
  ipaddr.process(one).toNormalizedString() === ipaddr.process(other).toNormalizedString();

const embedded = (address: ipaddr.IPv6): string =>
  ipaddr.fromByteArray(address.toByteArray().slice(-IPV4_BYTES)).toString();

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));
