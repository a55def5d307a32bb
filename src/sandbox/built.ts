/** Where what was built is: programs for sandboxes are taken from there, also when the server itself runs as source. */
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getCallSites } from 'node:util';

/**
 * This file: a URL when it runs as a module, a path when the tests run it as CommonJS. Never the source that a source map
 * names: with --enable-source-maps, as in the image, that would be asked for otherwise, and it is not there.
 */
const [{ scriptName } = { scriptName: '' }] = getCallSites(1, { sourceMap: false });
const HERE = scriptName.startsWith('file:') ? fileURLToPath(scriptName) : scriptName;

/**
 * The root of it. Under the tests, too: Node takes three times the processor time to start a program from its sources
 * (238 instead of 76 ms), and programs are started several times for each execution.
 */
export const BUILT =
  extname(HERE) === '.ts' ? join(dirname(HERE), '..', '..', 'dist') : join(dirname(HERE), '..');
