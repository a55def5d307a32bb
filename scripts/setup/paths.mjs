/** Where things are in this checkout. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The pinned Node: the npm package `node` brings it, so an old Node on the system does no harm. */
export const NODE = join(ROOT, 'node_modules', '.bin', 'node');
