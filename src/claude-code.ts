/** `claude-code`: the same program, named after what it does for whoever types it. */
import { commandLine } from './command-line.js';

await commandLine('claude-code', process.argv.slice(2), process.env);
