/** `npm start`: sets up whatever is missing, then runs the server. Runs on the system's Node, with nothing installed. */
import { runInForeground } from './setup/foreground.mjs';
import { setUp } from './setup/index.mjs';
import { NODE, SERVER } from './setup/paths.mjs';
import { runMain } from './setup/report.mjs';
import { chooseDataDirectory } from './start/data-directory.mjs';
import { HELP } from './start/help.mjs';

const args = process.argv.slice(2);

await runMain(() => {
  if (args.includes('--help')) {
    console.log(HELP);
    return 0;
  }
  setUp();
  return runInForeground(NODE, [...SERVER, ...args], { ...process.env, ...chooseDataDirectory() });
});
