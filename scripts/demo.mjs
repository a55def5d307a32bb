/**
 * `npm run demo`: starts a server of its own, lets each of the four commands work on a small real project, prints every
 * event as it comes and the diff of what changed, and stops. Exit 0 when all four succeeded.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { startServer } from './demo/server.mjs';
import { show, title } from './demo/show.mjs';
import { ROOT } from './setup/paths.mjs';
import { setUp } from './setup/index.mjs';
import { runMain, SetupError } from './setup/report.mjs';

const PROJECT = join(ROOT, 'test', 'support', 'demo-project');

const REQUESTS = [
  {
    action: 'analyze',
    prompt: 'Explain what this project does and how its parts fit together',
    options: { depth: 2 },
  },
  { action: 'review', prompt: 'Review src/price.js', options: { severity: 'low' } },
  { action: 'refactor', prompt: 'Tidy up src/price.js', context: { files: ['src/price.js'] } },
  {
    action: 'generate',
    prompt: 'Create src/discount.js with a discount function',
    context: { language: 'javascript' },
  },
];

await runMain(async () => {
  setUp();
  const server = await startServer();
  try {
    await upload(server);
    for (const request of REQUESTS) await run(server, request);
    return 0;
  } finally {
    await server.stop();
  }
});

/** Puts the project's files into the workspace, as a client would. @param {import('./demo/server.mjs').DemoServer} server */
async function upload(server) {
  title(`The project, put through PUT /api/projects/demo/files/…`);
  const files = readdirSync(PROJECT, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  for (const entry of files) {
    const path = relative(PROJECT, join(entry.parentPath, entry.name));
    const answer = await server.call(
      'PUT',
      `/api/projects/demo/files/${path}`,
      readFileSync(join(PROJECT, path)),
    );
    console.log(`  ${answer.status} ${path}`);
  }
}

/**
 * One request over the specification's endpoint, streamed.
 * @param {import('./demo/server.mjs').DemoServer} server
 * @param {{ action: string, prompt: string, options?: object, context?: object }} request
 */
async function run(server, request) {
  title(`${request.action}: ${request.prompt}`);
  const body = JSON.stringify({
    ...request,
    options: { ...request.options, streaming: true },
    metadata: { projectId: 'demo' },
  });
  const answer = await server.call('POST', '/api/claude-code', body, { 'content-type': 'application/json' });
  let response;
  for await (const event of server.eventsOf(answer)) {
    show(event);
    if (event.type === 'execution.finished') response = event.data.response;
  }
  if (response?.success !== true)
    throw new SetupError(`${request.action} failed: ${JSON.stringify(response?.error)}`);
  const changes = `/api/executions/${response.metadata.executionId}/changes`;
  const diff = await (await server.call('GET', changes, undefined, { accept: 'text/x-diff' })).text();
  if (diff !== '') console.log(`\n${diff}`);
}
