/** Floods of output and what a killed server leaves: the server's one thread and the host's cgroups must not be victims. */
import { readdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ANSWER_REQUEST, fakeCli } from '../support/fake-cli.js';
import { descendantsOf, until } from '../support/processes.js';
import { startServer } from '../support/server-process.js';
import { kill, serverGround } from '../support/server-ground.js';

const MIB = 1024 * 1024;

/** Tries both ways to the socket in which the CLI speaks with the server: its name in /proc, a copy of its descriptor. */
const STEAL = `for it in /proc/[0-9]*; do case $(readlink $it/exe) in */claude) pid=$(basename $it);; esac; done
echo "opening $(sh -c "echo stolen > /proc/$pid/fd/1" 2>&1)"
perl -e 'my $fd = syscall(434, $ARGV[0] + 0, 0); print "copying ", syscall(438, $fd, 1, 0), " $!\\n"' $pid`;

describe('a sandbox that', () => {
  const ground = serverGround();

  it('[R32] wants the standard output of its agent gets it in no way', async () => {
    const { admin } = await startServer(ground.directory);
    const { body, headers } = await admin.run({
      action: 'generate',
      prompt: `@tool Bash ${JSON.stringify({ command: STEAL })}\n@text Done.`,
    });
    expect(body).toMatchObject({ success: true, result: { text: 'Done.' } });
    const events = await admin.history(headers.get('x-execution-id') ?? '');
    const said = events
      .map((event) => (event.type === 'agent.tool_result' ? event.data.output : ''))
      .join('');
    expect(said).toMatch(/opening .*No such device/);
    expect(said).toMatch(/copying -1 Operation not permitted/);
  });

  it.each([
    ['short lines', 'yes'],
    ['empty objects', `yes '{}'`],
    ['one line without end', 'tr "\\0" x < /dev/zero'],
  ])(
    '[R33] floods the server in the place of its agent ends with E015, while the server answers: %s',
    async (_, flood) => {
      const { admin, url, pid } = await startServer(ground.directory, {
        OUTPUT_MAX_BYTES: String(64 * MIB),
        CLAUDE_CODE_BINARY: await fakeCli(ground.directory, `${ANSWER_REQUEST}\nread -r line\nexec ${flood}`),
      });
      let over = false;
      const run = admin.run({ action: 'generate', prompt: 'Anything.' }).finally(() => (over = true));
      await until(async () => {
        expect((await fetch(`${url}/health/live`)).status).toBe(200);
        return over;
      });
      const { status, body } = await run;
      expect({ status, code: body.error?.code }).toEqual({ status: 422, code: 'E015' });
      // What looks at the workspace goes a moment after what it looked at.
      await until(async () => (await descendantsOf(pid)).length === 0);
    },
  );
});

/** Version 1 of cgroups here, or version 2 where it is delegated: wherever this process may make some. */
const places = ['', 'memory', 'pids', 'cpu'].map((controller) => join('/sys/fs/cgroup', controller));
const cgroupsOf = (pid: number): string[] =>
  places.flatMap((place) => {
    try {
      return readdirSync(place)
        .filter((name) => name.startsWith(`caisson-${pid}-`))
        .map((name) => join(place, name));
    } catch {
      return []; // no such hierarchy
    }
  });

const socketsIn = (directory: string) => readdir(join(directory, 'data', 's'));

describe('a server that is killed', () => {
  const ground = serverGround();

  it('[R10] leaves no sandbox, says what became of its executions, and its cgroups and sockets are swept', async () => {
    const killed = await startServer(ground.directory);
    const { id } = await killed.admin.submit({ action: 'generate', prompt: '@text Working.\n@hang' });
    await killed.admin.firstEvent(id, 'agent.text');
    expect((await descendantsOf(killed.pid)).length).toBeGreaterThan(0);
    const sockets = await socketsIn(ground.directory);
    expect(sockets.length).toBeGreaterThan(0);
    await kill(killed);
    const left = cgroupsOf(killed.pid);
    const next = await startServer(ground.directory);
    expect(cgroupsOf(killed.pid)).toEqual([]);
    expect((await socketsIn(ground.directory)).filter((name) => sockets.includes(name))).toEqual([]);
    expect(await readFile('/proc/mounts', 'utf8')).not.toContain(ground.directory);
    expect(await next.admin.ended(id)).toMatchObject({
      status: 'failed',
      response: { error: { code: 'E014' } },
    });
    // Where there are no cgroups to be had, nothing was left either.
    const { body } = await next.admin.get<{ details: { sandbox: { warnings?: object[] } } }>('/health/ready');
    if (body.details.sandbox.warnings === undefined) expect(left.length).toBeGreaterThan(0);
  });
});
