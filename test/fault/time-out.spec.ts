/** Time limits: they end an execution whatever it does, and the first cause of an end is the one that is told. */
import { rm } from 'node:fs/promises';
import type { ExecutionView } from '../../src/execution/execution.dto.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { fakeCli } from '../support/fake-cli.js';
import { aliveOf, descendantsOf, gone, until } from '../support/processes.js';

describe('an execution that reaches its time limit', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson();
  });
  afterAll(() => caisson.clear());

  it('[T08] the time limit answers 504 E001 with the files that were made', async () => {
    const { status, body, headers } = await caisson.admin.run({
      action: 'generate',
      prompt: '@tool Bash {"command":"echo part > part.txt"}\n@text Working.\n@hang',
      options: { timeout: 8000 },
    });
    expect(status).toBe(504);
    expect(body).toMatchObject({
      success: false,
      error: { code: 'E001' },
      result: { files: [{ path: 'part.txt', action: 'created', content: 'part\n' }] },
    });
    const { status: state } = await caisson.admin.execution(headers.get('x-execution-id') ?? '');
    expect(state).toBe('timed_out');
    await gone(() => descendantsOf(process.pid));
  });

  it('[T09] an execution that names no time limit is ended by that of the server', async () => {
    const strict = await startCaisson({ CLAUDE_CODE_TIMEOUT: '1' });
    try {
      const { status, body } = await strict.admin.run({ action: 'analyze', prompt: '@hang' });
      expect({ status, code: body.error?.code }).toEqual({ status: 504, code: 'E001' });
    } finally {
      await strict.clear();
    }
  });
});

describe('two causes of an end', () => {
  let directory: string;
  let caisson: Caisson;
  beforeAll(async () => {
    directory = await temporaryDirectory();
    // Notes that it was asked to end, and goes on: between TERM and KILL there are 5 s.
    const script = `trap 'touch /workspace/asked-to-end' TERM; touch /workspace/begun; while :; do sleep 0.05; done`;
    caisson = await startCaisson({ CLAUDE_CODE_BINARY: await fakeCli(directory, script) });
  });
  afterAll(async () => {
    await caisson.clear();
    await rm(directory, { recursive: true });
  });

  const exists = async (projectId: string, file: string) =>
    (await caisson.admin.get(`/api/projects/${projectId}/files/${file}`)).status === 200;
  const cancel = (id: string) => caisson.admin.call<ExecutionView>('POST', `/api/executions/${id}/cancel`);

  it('[T10] a cancel during the grace of a time-out changes nothing', async () => {
    const { id } = await caisson.admin.submit({
      action: 'generate',
      prompt: 'Anything.',
      options: { timeout: 4000 },
      metadata: { projectId: 'first-time-out' },
    });
    await until(() => exists('first-time-out', 'asked-to-end'));
    const processes = await descendantsOf(process.pid);
    const { body } = await cancel(id);
    expect(body).toMatchObject({ status: 'timed_out', response: { error: { code: 'E001' } } });
    await gone(() => aliveOf(processes));
  });

  it('[T11] a time limit during the grace of a cancel changes nothing', async () => {
    const { id } = await caisson.admin.submit({
      action: 'generate',
      prompt: 'Anything.',
      options: { timeout: 5000 },
      metadata: { projectId: 'first-cancel' },
    });
    await until(() => exists('first-cancel', 'begun'));
    const { body } = await cancel(id);
    expect(body).toMatchObject({ status: 'cancelled', response: { error: { code: 'E013' } } });
    // The limit passed while it was being ended.
    expect((body.endedAt ?? 0) - (body.startedAt ?? 0)).toBeGreaterThan(5000);
  });
});
