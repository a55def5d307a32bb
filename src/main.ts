/** `caisson`: the server, unless a command is named. */
import { commandLine } from './command-line.js';

await commandLine('caisson', process.argv.slice(2), process.env);
