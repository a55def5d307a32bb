/** `npm start`: sets up whatever is missing, then runs the server. Runs on the system's Node, with nothing installed. */
import { chooseDataDirectory } from './start/data-directory.mjs';
import { HELP } from './start/help.mjs';
import { runServer } from './start/server.mjs';
import { setUp } from './setup/index.mjs';
import { runMain } from './setup/report.mjs';

const args = process.argv.slice(2);

await runMain(() => {
  if (args.includes('--help')) {
    console.log(HELP);
    return 0;
  }
  setUp();
  return runServer(args, { ...process.env, ...chooseDataDirectory() });
});
