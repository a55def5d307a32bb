/** What a CONNECT request asks for, read strictly: one host name and port 443, or a refusal that says what is wrong. */
import { hostName } from '../config/host-pattern.js';
import { EgressRefusal } from './refusal.js';

/** The only port that is reached: TLS, whose first message names the host again. */
export const HTTPS_PORT = 443;

/** @returns the host in its one spelling @throws EgressRefusal */
export function connectTarget(target: string): string {
  const [, host, port] = /^(.+):(\d*)$/s.exec(target) ?? [];
  if (host === undefined || port === undefined || port === '') throw new EgressRefusal('malformed');
  const given = hostName(host);
  if ('wrong' in given) throw new EgressRefusal(given.wrong);
  if (port !== String(HTTPS_PORT)) throw new EgressRefusal('wrong-port');
  return given.name;
}
