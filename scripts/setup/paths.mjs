/** Where things are in this checkout. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The pinned Node: the npm package `node` brings it, so an old Node on the system does no harm. */
export const NODE = join(ROOT, 'node_modules', '.bin', 'node');

/**
 * What Node is started with to be the server; the image says the same. Loading the modules makes V8 double its space for
 * young objects to 3 × 16 MiB, and it never gives that back: idle, the server held 198 MB, and with this 158 MB (2 saves
 * nothing more, 8 makes it 170 MB). The price: `GET /api/executions/:id` took 7 % more processor time, a page of 50 17 %.
 */
export const SERVER = ['--max-semi-space-size=4', join(ROOT, 'dist', 'main.js')];
