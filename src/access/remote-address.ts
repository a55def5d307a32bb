/** Whose address a connection is, when reverse proxies stand in front: for what does not pass through Express. */

/**
 * As Express counts for `trust proxy`: the last `proxies` addresses are proxies and believed, the one before is the caller.
 * @param connected the address at the other end of the connection
 * @param forwarded the header X-Forwarded-For, as it came
 */
export function remoteAddress(
  connected: string,
  forwarded: string | string[] | undefined,
  proxies: number,
): string {
  const told = [forwarded ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '');
  return [...told, connected].at(-1 - Math.min(proxies, told.length)) ?? connected;
}
