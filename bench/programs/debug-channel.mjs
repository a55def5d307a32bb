/**
 * Loaded into the measured server (`--import`): answers a message with what only the process itself knows of itself.
 * Not TypeScript: what strips the types would be part of the memory that is measured.
 *
 * @typedef {object} Look
 * @property {number} cpuMs processor time of this process up to now, milliseconds
 * @property {number} rss bytes
 * @property {number} heapUsed bytes
 * @property {Record<string, number>} resources what keeps the event loop alive, by kind: sockets, timers, pipes …
 */

process.on('message', (/** @type {{ look?: { collect: boolean } }} */ { look }) => {
  if (look === undefined) return;
  const { user, system } = process.cpuUsage();
  if (look.collect) globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  /** @type {Record<string, number>} */
  const resources = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  process.send?.({ cpuMs: (user + system) / 1000, rss, heapUsed, resources });
});
// The channel must not keep a server alive that has been told to stop.
process.channel?.unref();
