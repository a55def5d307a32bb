/** Measures the workspace of a running sandbox, from a second sandbox that only reads: the first cannot touch it. */
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { ExceededLimit, Sandbox, SandboxOrder } from '../sandbox.js';
import type { ResourceLimits } from './resource-limits.js';

/** Milliseconds before the first look and between two: most executions are over before they cost a sandbox more. */
const LOOK_EVERY = 1000;
/** A look at many files takes long: it may take up this part of the time. */
const PART = 10;
/** Looks in a row that may fail before the workspace counts as too large to be measured. */
const FAILURES_MAX = 3;
/** Measuring sandboxes in a row that may not start: a machine out of descriptors, which is nothing of the workspace's. */
const STARTS_MAX = 30;

/** For each line it is sent, one with the bytes on disk and the number of entries. */
const SCRIPT = `while read -r _; do
  bytes=$(du -sxB1 /workspace 2>/dev/null); entries=$(du -sx --inodes /workspace 2>/dev/null)
  echo "\${bytes%%[!0-9]*} \${entries%%[!0-9]*}"
done`;

const logger = new Logger('SandboxLimits');

export interface MeteredSandbox {
  order: SandboxOrder;
  sandbox: Sandbox & { exceed(limit: ExceededLimit): void };
  limits: ResourceLimits;
  /** Starts the sandbox that measures. */
  start: (order: SandboxOrder) => Promise<Sandbox>;
}

/** Measures until the sandbox has ended, and ends it when its workspace is too large; never rejects. */
export async function meterWorkspace({ order, sandbox, limits, start }: MeteredSandbox): Promise<void> {
  const over = new AbortController();
  const ended = sandbox.exited.then(() => over.abort());
  const pause = (milliseconds: number) =>
    delay(milliseconds, undefined, { signal: over.signal, ref: false }).catch(() => undefined);
  let meter: Meter | undefined;
  let failures = 0;
  const isOver = () => over.signal.aborted;
  for (await pause(LOOK_EVERY); !isOver();) {
    const begun = performance.now();
    let started = meter !== undefined;
    try {
      meter ??= new Meter(await start(measuring(order)), ended);
      started = true;
      const exceeded = judge(await meter.look(), limits);
      if (exceeded !== undefined) sandbox.exceed(exceeded);
      failures = 0;
    } catch (error) {
      await meter?.end();
      meter = undefined;
      if (isOver()) break;
      failures += 1;
      logger.warn({ msg: 'a workspace could not be measured', failures, err: error });
      if (failures >= (started ? FAILURES_MAX : STARTS_MAX)) sandbox.exceed(tooManyEntries(limits));
    }
    await pause(Math.max(LOOK_EVERY, (performance.now() - begun) * PART));
  }
  await meter?.end();
}

class Meter {
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;

  constructor(
    private readonly sandbox: Sandbox,
    /** Resolves when nobody wants to know any more. */
    ended: Promise<void>,
  ) {
    this.#lines = createInterface({ input: sandbox.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
    sandbox.stderr.resume();
    void ended.then(() => this.end());
  }

  /** @throws Error when it ended before it answered */
  async look(): Promise<{ bytes: number; entries: number }> {
    this.sandbox.stdin.write('\n');
    const answer = await this.#answers.next();
    const [, bytes, entries] = /^(\d+) (\d+)$/.exec(answer.done === true ? '' : answer.value) ?? [];
    if (bytes === undefined) throw new Error('the measuring sandbox did not answer');
    return { bytes: Number(bytes), entries: Number(entries) };
  }

  async end(): Promise<void> {
    this.#lines.close();
    await this.sandbox.end(0);
  }
}

/** The workspace alone, read-only; also what its user has closed to itself, or a `chmod 000` would hide any amount. */
const measuring = ({ workspace }: SandboxOrder): SandboxOrder => ({
  workspace,
  access: 'read-only',
  argv: ['/bin/bash', '-c', SCRIPT],
  readsEverything: true,
});

function judge(
  { bytes, entries }: { bytes: number; entries: number },
  limits: ResourceLimits,
): ExceededLimit | undefined {
  if (bytes > limits.workspaceBytes) return { limit: 'workspace-bytes', max: limits.workspaceBytes };
  return entries > limits.workspaceEntries ? tooManyEntries(limits) : undefined;
}

const tooManyEntries = ({ workspaceEntries }: ResourceLimits): ExceededLimit => ({
  limit: 'workspace-entries',
  max: workspaceEntries,
});
