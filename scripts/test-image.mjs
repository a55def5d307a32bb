/**
 * `npm run test:image`: builds the image and shows, in real containers, that with the security options of
 * docs/SECURITY.md it runs as an ordinary user and does one rehearsal execution in a sandbox, and that with the engine's
 * default options it refuses, with the reason and the mend.
 *
 *   npm run test:image                                        with podman, else docker
 *   npm run test:image -- --engine docker --node-image node:24-bookworm-slim
 *   npm run test:image -- --build=--network=host --run=--network=host      more options for build and run
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startContainer } from './image/container.mjs';
import { ROOT } from './setup/paths.mjs';
import { runMain, say, SetupError } from './setup/report.mjs';

const IMAGE = 'caisson:test';

const { values } = parseArgs({
  options: {
    engine: { type: 'string' },
    'node-image': { type: 'string', default: 'node:24-bookworm-slim' },
    build: { type: 'string', multiple: true, default: [] },
    run: { type: 'string', multiple: true, default: [] },
  },
});

/** What docs/SECURITY.md tells to run it with. The second option is what each engine calls an unmasked /proc. */
const optionsFor = (/** @type {string} */ engine) => [
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
  `--security-opt=seccomp=${join(ROOT, 'helm', 'caisson', 'files', 'seccomp.json')}`,
  engine === 'podman' ? '--security-opt=unmask=ALL' : '--security-opt=systempaths=unconfined',
];

await runMain(async () => {
  const engine = values.engine ?? ['podman', 'docker'].find((it) => spawnSync(it, ['version']).status === 0);
  if (engine === undefined) throw new SetupError('neither podman nor docker works here');
  build(engine);
  await refusesByDefault(engine);
  await worksWithOptions(engine);
  return 0;
});

/** @param {string} engine */
function build(engine) {
  say(`building ${IMAGE} with ${engine} …`);
  const args = [
    'build',
    '--build-arg',
    `NODE_IMAGE=${values['node-image']}`,
    ...values.build,
    '-t',
    IMAGE,
    '.',
  ];
  if (spawnSync(engine, args, { cwd: ROOT, stdio: 'inherit' }).status !== 0)
    throw new SetupError('the image could not be built');
}

/** @param {string} engine */
async function refusesByDefault(engine) {
  const container = await startContainer(engine, values.run, IMAGE);
  try {
    const ready = await container.untilProbed();
    const text = JSON.stringify(ready.body);
    if (ready.status !== 503 || !text.includes('seccomp=helm/caisson/files/seccomp.json'))
      throw new SetupError(
        `with default options it should refuse with the mend, but: ${ready.status} ${text}`,
      );
    const refused = await container.generate();
    if (refused.status !== 503 || refused.body.error?.code !== 'E012')
      throw new SetupError(`with default options it should run nothing, but: ${JSON.stringify(refused)}`);
    say(`default options: refused, as it must be: ${JSON.stringify(ready.body.error?.details)}`);
  } finally {
    container.stop();
  }
}

/** @param {string} engine */
async function worksWithOptions(engine) {
  const container = await startContainer(engine, [...optionsFor(engine), ...values.run], IMAGE);
  try {
    const ready = await container.untilProbed();
    if (ready.status !== 200) throw new SetupError(`not ready: ${JSON.stringify(ready.body)}`);
    say(`documented options: user ${container.user()}, ready: ${JSON.stringify(ready.body)}`);
    const made = await container.generate();
    if (made.status !== 200 || made.body.result?.files?.[0]?.action !== 'created')
      throw new SetupError(`the execution failed: ${JSON.stringify(made.body)}`);
    say(`one execution in a sandbox: ${JSON.stringify(made.body.result.files)}`);
  } finally {
    container.stop();
  }
}
