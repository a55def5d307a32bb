/** The product with sandboxes without system call filter and limits: what sandbox-overhead is measured beside. */
import type { INestApplication } from '@nestjs/common';
import type * as ApiKeys from '../../src/access/api-keys.js';
import type * as App from '../../src/app.js';
import type * as Configuration from '../../src/config/config.js';
import type * as Root from '../../src/sandbox/bubblewrap/host-root.js';
import type * as Launch from '../../src/sandbox/bubblewrap/launch.js';
import type * as Limits from '../../src/sandbox/limits/resource-limits.js';
import type * as Sandbox from '../../src/sandbox/sandbox.js';
import { built } from '../support/paths.ts';
import { unprotected } from '../support/unprotected.ts';

const { Config } = await built<typeof Configuration>('config/config.js');
const config = Config.from(process.env);
const { buildApp } = await built<typeof App>('app.js');
const app: INestApplication = await buildApp(config);

const { Sandboxes } = await built<typeof Sandbox>('sandbox/sandbox.js');
const { launch } = await built<typeof Launch>('sandbox/bubblewrap/launch.js');
const { hostRootArguments } = await built<typeof Root>('sandbox/bubblewrap/host-root.js');
const { resourceLimits } = await built<typeof Limits>('sandbox/limits/resource-limits.js');
const launcher = {
  bwrap: config.values.SANDBOX_BWRAP,
  profile: { hostRoot: hostRootArguments(), tmpBytes: config.values.SANDBOX_TMP_BYTES },
  limits: resourceLimits(config.values),
  ...(await unprotected()),
};
app.get(Sandboxes).start = (order) => launch(order, launcher);

process.on('SIGTERM', () => void app.close().then(() => process.exit(0)));
await app.get((await built<typeof ApiKeys>('access/api-keys.js')).ApiKeys).bootstrap();
await app.listen(0, config.values.HOST);
process.stdout.write(`listens on ${await app.getUrl()}\n`);
