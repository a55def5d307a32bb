/** Cancelling: the real CLI in the real sandbox, with tools that do all they can to stay alive. */
import { randomInt } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { ExecutionView } from '../../src/execution/execution.dto.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { fakeCli } from '../support/fake-cli.js';
import { aliveOf, descendantsOf, gone, hostProcesses, processesWith, until } from '../support/processes.js';

/** A duration for `sleep` that no other process on this machine has in its command line. */
const uniqueSleep = () => `1000.${randomInt(1e12)}`;

const cancel = async (caisson: Caisson, id: string): Promise<ExecutionView> => {
  const { status, body } = await caisson.admin.call<ExecutionView>('POST', `/api/executions/${id}/cancel`);
  expect(status).toBe(200);
  return body;
};

const finishedEvents = async (caisson: Caisson, id: string) =>
  (await caisson.admin.history(id)).filter(({ type }) => type === 'execution.finished');

describe('a running execution that is cancelled', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson();
  });
  afterAll(() => caisson.clear());

  const STUBBORN: [string, (sleep: string) => string][] = [
    // Not as the first word: the CLI itself refuses a command that only waits.
    ['sleeps', (sleep) => `echo waiting; sleep ${sleep}`],
    ['ignores TERM', (sleep) => `trap '' TERM; sleep ${sleep}; sleep ${sleep}`],
    [
      'answers TERM by going on',
      (sleep) => `trap 'sleep ${sleep}' TERM INT HUP; sleep ${sleep}; sleep ${sleep}`,
    ],
    [
      'has forked into a session of its own',
      (sleep) =>
        `(setsid bash -c "trap '' TERM HUP INT; sleep ${sleep}; sleep ${sleep}" </dev/null >/dev/null 2>&1 &) ; sleep ${sleep}`,
    ],
  ];

  it.each(STUBBORN)(
    '[T01] a cancel leaves nothing alive, whatever the tool does: %s',
    async (_, commandFor) => {
      const sleep = uniqueSleep();
      const command = commandFor(sleep);
      const { id } = await caisson.admin.submit({
        action: 'generate',
        prompt: `@tool Bash ${JSON.stringify({ command })}`,
      });
      await caisson.admin.firstEvent(id, 'agent.tool_use');
      await until(async () => (await hostProcesses(`sleep ${sleep}`)).length > 0);
      const processes = await descendantsOf(process.pid);
      expect(processes.length).toBeGreaterThan(3); // bubblewrap, init, CLI, bash, sleep

      const cancelled = await cancel(caisson, id);

      expect(await processesWith(sleep)).toEqual([]);
      await gone(() => aliveOf(processes));
      expect(cancelled).toMatchObject({
        status: 'cancelled',
        response: { success: false, error: { code: 'E013' } },
      });
      expect(await finishedEvents(caisson, id)).toMatchObject([{ data: { status: 'cancelled' } }]);
    },
  );

  it('[T02] a second cancel answers the same, also at the same time', async () => {
    const { id } = await caisson.admin.submit({ action: 'analyze', prompt: '@text Working.\n@hang' });
    await caisson.admin.firstEvent(id, 'agent.text');
    const [first, second] = await Promise.all([cancel(caisson, id), cancel(caisson, id)]);
    expect(first.status).toBe('cancelled');
    expect(second).toEqual(first);
    expect(await cancel(caisson, id)).toEqual(first);
    expect(await finishedEvents(caisson, id)).toHaveLength(1);
  });

  it('[T03] an execution is not changed by a cancel after its end', async () => {
    const { id } = await caisson.admin.submit({ action: 'generate', prompt: '@text Done.' });
    const ended = await caisson.admin.ended(id);
    expect(ended.status).toBe('succeeded');
    expect(await cancel(caisson, id)).toEqual(ended);
    expect(await finishedEvents(caisson, id)).toHaveLength(1);
  });

  it('[T04] a cancel at whatever moment of the start ends as cancelled', async () => {
    for (const moment of ['at once', 'execution.started'] as const) {
      const { id } = await caisson.admin.submit({ action: 'generate', prompt: '@hang' });
      if (moment === 'execution.started') await caisson.admin.firstEvent(id, moment);
      expect(await cancel(caisson, id)).toMatchObject({
        status: 'cancelled',
        response: { error: { code: 'E013' } },
      });
      await gone(() => descendantsOf(process.pid));
    }
  });

  it('[T05] a cancelled execution tells what its files were', async () => {
    const { id } = await caisson.admin.submit({
      action: 'generate',
      prompt: '@tool Bash {"command":"echo half > half.txt"}\n@text Half done.\n@hang',
      metadata: { projectId: 'half' },
    });
    await caisson.admin.firstEvent(id, 'agent.text');
    const { response } = await cancel(caisson, id);
    expect(response?.result?.files).toEqual([{ path: 'half.txt', action: 'created', content: 'half\n' }]);
  });
});

describe('a queued execution that is cancelled', () => {
  it('[T06] a queued execution that is cancelled never starts, and lets the others run', async () => {
    const caisson = await startCaisson({ CLAUDE_CODE_MAX_CONCURRENT: '1' });
    try {
      const { admin } = caisson;
      const running = await admin.submit({ action: 'analyze', prompt: '@text Working.\n@hang' });
      const queued = await admin.submit({ action: 'generate', prompt: '@text Never.' });
      const next = await admin.submit({ action: 'generate', prompt: '@text Next.' });
      await admin.firstEvent(running.id, 'agent.text');

      expect(await cancel(caisson, queued.id)).toMatchObject({
        status: 'cancelled',
        attempt: 0,
        response: { success: false, error: { code: 'E013' } },
      });
      expect((await admin.history(queued.id)).map(({ type }) => type)).toEqual([
        'execution.queued',
        'execution.finished',
      ]);
      await cancel(caisson, running.id);
      expect((await admin.ended(next.id)).status).toBe('succeeded');
    } finally {
      await caisson.clear();
    }
  });
});

describe('a CLI that does not react to TERM', () => {
  it('[T07] a CLI that does not react to TERM is killed with all it started', async () => {
    const sleep = uniqueSleep();
    const directory = await temporaryDirectory();
    const caisson = await startCaisson({
      CLAUDE_CODE_BINARY: await fakeCli(directory, `trap '' TERM HUP INT; while :; do sleep ${sleep}; done`),
    });
    try {
      const { id } = await caisson.admin.submit({ action: 'analyze', prompt: 'Anything.' });
      await until(async () => (await hostProcesses(`sleep ${sleep}`)).length > 0);
      const processes = await descendantsOf(process.pid);
      expect((await cancel(caisson, id)).status).toBe('cancelled');
      expect(await processesWith(sleep)).toEqual([]);
      await gone(() => aliveOf(processes));
    } finally {
      await caisson.clear();
      await rm(directory, { recursive: true });
    }
  });
});
