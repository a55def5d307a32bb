/**
 * Two api and three worker processes at work while everything is killed, held, restarted and cut; in the end every accepted
 * execution has ended once, and every reader has seen every number once. CHAOS_EXECUTIONS says how many (default: a short
 * form), CHAOS_SEED which troubles.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Verification } from '../../src/audit/audit-log.js';
import type { ExecutionView } from '../../src/execution/execution.dto.js';
import { Client } from '../support/client.js';
import { LEASE_MS, startCluster } from '../support/cluster.js';
import { until } from '../support/processes.js';
import { seeded } from '../support/seeded.js';
import { freePort } from '../support/services/process.js';
import type { Reading } from './readers.js';
import { type Api, readBySocket, readBySse } from './readers.js';
import { type Crew, TROUBLES } from './troubles.js';

const EXECUTIONS = Number(process.env.CHAOS_EXECUTIONS ?? 24);
const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
/** Executions that have not ended at once: enough for all workers, and some that wait. */
const AT_ONCE = 12;
const USERS = 5;
const PROJECTS = 3;
/** Milliseconds for all: an execution takes some two seconds of one processor. */
const TIMEOUT = 180_000 + EXECUTIONS * 5000;

/** Milliseconds for all processes to be ready after a trouble: seconds as a rule, over a minute where six times as much runs. */
const WHOLE_WITHIN = 120_000;

/** Characters of the log of a process that does not answer. */
const LAST_WORDS = 4000;

const bash = (command: string) => `@tool Bash ${JSON.stringify({ command })}`;
/** Writes its name twice with a pause: nobody else may write to the file in between. */
const WRITES = (name: string) => `${bash(`echo ${name} >>log; sleep 0.3; echo ${name} >>log`)}\n@text Done.`;
const READS = `${bash('cat log || true')}\n@text Read.`;
const TALKS = `@deltas 40 every 20ms of "{n} "`;

describe('chaos', () => {
  it(
    `loses, repeats and mixes up nothing (${EXECUTIONS} executions, seed ${SEED})`,
    async () => {
      const random = seeded(SEED);
      const ports = [await freePort(), await freePort()];
      const cluster = await startCluster({ CLAUDE_CODE_MAX_CONCURRENT: '2', SHUTDOWN_GRACE: '2' });
      const over = new AbortController();
      try {
        const startApi = (PORT: string) => cluster.start('api', { PORT });
        const startWorker = () => cluster.start('worker');
        const crew: Crew = {
          cluster,
          apis: await Promise.all(ports.map((port) => startApi(String(port)))),
          workers: await Promise.all([startWorker(), startWorker(), startWorker()]),
          startApi,
          startWorker,
        };
        const secret = crew.apis[0]?.admin.secret ?? '';
        let turn = 0;
        const api: Api = () => ({ url: `http://127.0.0.1:${String(ports[(turn += 1) % 2])}`, secret });
        const counts: Record<string, number> = {};
        const work = submitAll(api, over.signal);
        const troubles = trouble(crew, random, counts, work.done);
        // A process that cannot be brought back is a failure at once: what waits for it would wait for ever.
        const [{ ids, readings }] = await Promise.all([work.done, troubles]);
        const all = await Promise.all(readings);

        // The crew is whole again; what it wrote is the truth.
        const ends = await truth(cluster.databaseUrl);
        expect(ends.map(({ id }) => id).sort()).toEqual(ids.toSorted());
        expect(ends.filter(({ status }) => ['queued', 'starting', 'running'].includes(status))).toEqual([]);
        // Whatever the machine does, it is not a defect of ours.
        expect(ends.filter(({ code }) => code === 'E099')).toEqual([]);
        expect(ends.filter(({ events, last, finishes }) => events !== last || finishes !== last)).toEqual([]);
        const lastOf = new Map(ends.map(({ id, last }) => [id, last]));
        expect(all.filter((reading) => !isWhole(reading, lastOf.get(reading.executionId)))).toEqual([]);
        const { url } = api();
        const { body: audit } = await new Client(url, secret).get<Verification>('/api/audit?verify=true');
        expect(audit).toMatchObject({ valid: true });
        for (let user = 0; user < USERS; user += 1)
          for (let project = 0; project < PROJECTS; project += 1)
            expect(await mixedUp(new Client(url, secret), user, project)).toEqual([]);
        report(ends, all, counts);
      } finally {
        over.abort();
        await cluster.stop();
      }
    },
    TIMEOUT,
  );
});

/** Submits one after the other as long as not too many wait, and follows each by two readers. */
function submitAll(api: Api, signal: AbortSignal) {
  const readings: Promise<Reading>[] = [];
  const ids: string[] = [];
  const work = async () => {
    const open = new Set<Promise<unknown>>();
    for (let number = 0; number < EXECUTIONS; number += 1) {
      while (open.size >= AT_ONCE) await Promise.race(open);
      const { id } = await submit(number, api, signal);
      ids.push(id);
      const both = [readBySse(id, api, signal), readBySocket(id, api, signal)];
      readings.push(...both);
      const followed = Promise.allSettled(both).finally(() => open.delete(followed));
      open.add(followed);
      if (number % 10 === 9) void cancel(id, api);
    }
    await Promise.all(open);
    return { ids, readings };
  };
  return { done: work() };
}

/** Again and again under one key until it is accepted: whatever became of the call before, it is one execution. */
async function submit(number: number, api: Api, signal: AbortSignal): Promise<ExecutionView> {
  const kind = number % 3;
  const prompt = kind === 0 ? WRITES(`e${number}`) : kind === 1 ? READS : TALKS;
  const request = {
    action: kind === 1 ? ('analyze' as const) : ('generate' as const),
    prompt,
    metadata: { userId: `user-${number % USERS}`, projectId: `p${Math.floor(number / USERS) % PROJECTS}` },
  };
  while (!signal.aborted) {
    const { url, secret } = api();
    try {
      return await new Client(url, secret).submit(request, { 'idempotency-key': `chaos-${number}` });
    } catch {
      await delay(100);
    }
  }
  throw new Error('the run is over');
}

async function cancel(id: string, api: Api): Promise<void> {
  const { url, secret } = api();
  // Refused or cut off: then it is not cancelled.
  await new Client(url, secret).call('POST', `/api/executions/${id}/cancel`).catch(() => undefined);
}

/** One trouble after the other, all kinds in turn, until the work is done. */
async function trouble(
  crew: Crew,
  random: () => number,
  counts: Record<string, number>,
  done: Promise<unknown>,
): Promise<void> {
  const end = new AbortController();
  done.finally(() => end.abort()).catch(() => undefined);
  const isOver = () => end.signal.aborted;
  while (!isOver())
    for (const [name, make] of Object.entries(TROUBLES).toSorted(() => random() - 0.5)) {
      await delay(random() * LEASE_MS);
      if (isOver()) return;
      counts[name] = (counts[name] ?? 0) + 1;
      let lacks: string[] = [];
      try {
        process.stderr.write(`chaos: ${name} …`);
        await make(crew, random);
        process.stderr.write(' over …');
        await until(async () => (lacks = await missing(crew)).length === 0, WHOLE_WITHIN);
        process.stderr.write(' whole\n');
      } catch (cause) {
        throw new Error(`after "${name}" it was not whole again: ${lacks.join('\n\n')}`, { cause });
      }
    }
}

/** Who of the crew is not ready, with what it says, and has said last: nobody once everything answers again. */
async function missing({ apis, workers }: Crew): Promise<string[]> {
  const answers = await Promise.all(
    [...apis, ...workers].map(({ url, output }) =>
      fetch(`${url}/health/ready`).then(
        async (answer) => (answer.status === 200 ? [] : [`${url}: ${await answer.text()}`]),
        (error: unknown) => [`${url}: ${String(error)}\n${output().slice(-LAST_WORDS)}`],
      ),
    ),
  );
  return answers.flat();
}

interface Ended {
  id: string;
  status: string;
  code: string | null;
  attempt: number;
  /** Number of the last event, as the row says; events that are stored; the sum of the numbers of its ends. */
  last: number;
  events: number;
  finishes: number;
}

async function truth(url: string): Promise<Ended[]> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<Ended>(`
    select id, status, "errorCode" as code, attempt, "lastSeq"::int as last,
      (select count(*)::int from events where "executionId" = id) as events,
      (select sum(seq)::int from events where "executionId" = id and type = 'execution.finished') as finishes
    from executions`);
  await client.end();
  return rows;
}

/** Every number once, in order, to the last. */
const isWhole = ({ numbers }: Reading, last: number | undefined): boolean =>
  numbers.length === last && numbers.every((number, index) => number === index + 1);

/** Lines of a workspace's log where somebody wrote between the two of another one. */
async function mixedUp(client: Client, user: number, project: number): Promise<string[]> {
  const { status, body } = await client.get<string>(
    `/api/projects/p${project}/files/log?userId=user-${user}`,
  );
  if (status === 404) return [];
  const lines = body.trim().split('\n');
  // One that was killed has written once; then the next line is somebody else's first.
  return lines.filter((line, index) => lines.indexOf(line) < index && lines[index - 1] !== line);
}

function report(ends: readonly Ended[], readings: readonly Reading[], counts: Record<string, number>): void {
  const byEnd = Object.entries(Object.groupBy(ends, ({ status, code }) => `${status} ${code ?? ''}`.trim()));
  const lines = [
    `chaos, seed ${SEED}: ${ends.length} executions`,
    ...byEnd.map(([end, those = []]) => `  ${end}: ${those.length}`),
    `  begun more than once: ${ends.filter(({ attempt }) => attempt > 1).length}`,
    `  readers: ${readings.length}, resumed ${readings.reduce((sum, { resumed }) => sum + resumed, 0)} times, ` +
      `events read ${readings.reduce((sum, { numbers }) => sum + numbers.length, 0)}`,
    ...Object.entries(counts).map(([name, count]) => `  ${name}: ${count}`),
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
}
