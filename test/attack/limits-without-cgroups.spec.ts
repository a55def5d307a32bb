/** A real server that sees no cgroups: `required` runs nothing and says why, `best-effort` warns and watches. */
import { describeWhere } from '../support/cases.js';
import { descendantsOf, gone, until } from '../support/processes.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { serverGround } from '../support/server-ground.js';

const MIB = 1024 * 1024;
/** In a mount namespace of its own, where no cgroup file system is mounted; `exec` keeps the process id. */
const WITHOUT_CGROUPS = ['unshare', '-m', 'sh', '-c', 'umount -lR /sys/fs/cgroup; exec "$@"', 'sh'];

const bash = (command: string) => `@tool Bash ${JSON.stringify({ command })}\n@text done`;

interface Readiness {
  details: { sandbox: { warnings?: object[] } };
  error: { details: { sandbox: { misses?: object[] } } };
}

describeWhere(process.getuid?.() === 0, 'needs root, for a mount namespace')('without cgroups', () => {
  const ground = serverGround();
  const start = (limits: string, readiness: 200 | 503): Promise<ServerProcess> =>
    startServer(
      ground.directory,
      {
        SANDBOX_LIMITS: limits,
        SANDBOX_MEMORY_BYTES: String(700 * MIB),
        SANDBOX_PROCESSES: '120',
      },
      { through: WITHOUT_CGROUPS, readiness },
    );

  it('[R30] SANDBOX_LIMITS=required is not ready, names reason and mend, and answers 503 E012', async () => {
    const { admin } = await start('required', 503);
    const misses = async () =>
      (await admin.get<Readiness>('/health/ready')).body.error.details.sandbox.misses;
    await until(async () => (await misses()) !== undefined); // the probe has ended
    expect(await misses()).toEqual([
      {
        name: 'limits',
        reason: expect.stringMatching(/cgroup v2: .+; cgroup v1: .+/),
        mend: expect.stringMatching(/cgroup/),
      },
    ]);
    const { status, body: refusal } = await admin.run({ action: 'generate', prompt: '@text Never.' });
    expect({ status, code: refusal.error?.code }).toEqual({ status: 503, code: 'E012' });
  });

  it('[R31] SANDBOX_LIMITS=best-effort is ready with a warning, and ends a fork bomb and a memory hog beside a neighbour', async () => {
    const { admin, pid, output } = await start('best-effort', 200);
    const { body } = await admin.get<Readiness>('/health/ready');
    expect(body.details.sandbox.warnings).toEqual([
      expect.objectContaining({ name: 'limits', mend: expect.stringMatching(/cgroup/) }),
    ]);
    expect(output()).toContain('is weaker than it could be');
    for (const [command, limit] of [
      ['for n in $(seq 300); do sleep 60 & done; wait', 'processes'],
      [
        `perl -e 'my @all; while (1) { push @all, "x" x 10_000_000; select undef, undef, undef, 0.01 }'`,
        'memory',
      ],
    ] as const) {
      const other = await admin.submit({
        action: 'generate',
        prompt: '@deltas 60 every 20ms of "tick "',
        metadata: { projectId: 'neighbour' },
      });
      const { body: answer } = await admin.run({ action: 'generate', prompt: bash(command) });
      expect(answer.error).toMatchObject({ code: 'E015', details: { limit } });
      expect((await admin.ended(other.id)).status).toBe('succeeded');
    }
    await gone(() => descendantsOf(pid));
  });
});
