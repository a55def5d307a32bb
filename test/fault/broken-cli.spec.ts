/** A CLI that crashes, hangs, prints rubbish or floods is an error of the catalogue, not a stuck execution. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Log } from '../../src/logging/log.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { ANSWER_REQUEST, fakeCli } from '../support/fake-cli.js';
import { descendantsOf, linesOf } from '../support/processes.js';

const KIB = 1024;

describe('a broken CLI', () => {
  let directory: string;
  let caisson: Caisson;
  beforeAll(async () => {
    directory = await temporaryDirectory();
    caisson = await startCaisson({
      CLAUDE_CODE_BINARY: join(directory, 'claude'),
      OUTPUT_LINE_MAX_BYTES: String(64 * KIB),
      OUTPUT_MAX_BYTES: String(256 * KIB),
    });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    // Whatever it did: nothing is alive, and the next execution is started as if nothing had been.
    expect(await linesOf(await descendantsOf(process.pid))).toEqual([]);
    await fakeCli(directory, 'exit 0');
    expect((await run()).code).toBe('E005');
  });
  afterAll(async () => {
    await caisson.clear();
    await rm(directory, { recursive: true });
  });

  const run = async (timeout?: number) => {
    const { status, body } = await caisson.admin.run({
      action: 'analyze',
      prompt: 'Anything.',
      options: timeout === undefined ? {} : { timeout },
    });
    return { status, code: body.error?.code };
  };

  /** What was logged about a failure, with its causes. */
  const logged = (spy: jest.SpyInstance<void, [unknown, ...unknown[]]>) =>
    spy.mock.calls.map(([entry]) => (entry as { err?: Error }).err?.message ?? '').join('\n');

  it.each([
    ['at once', ''],
    ['after the handshake', ANSWER_REQUEST],
  ])(
    '[C01] a CLI that crashes is E005, and the end of its standard error is in the log: %s',
    async (_, before) => {
      const warn = jest.spyOn(caisson.app.get(Log), 'warn');
      await fakeCli(directory, `${before}\nseq 1 5000 >&2\necho 'panic: the last words' >&2\nexit 7`);
      expect(await run()).toEqual({ status: 502, code: 'E005' });
      expect(logged(warn)).toContain('panic: the last words');
      expect(logged(warn)).toContain('4999\n5000\n');
    },
  );

  it.each([
    ['that exits without a word', 'exit 0'],
    [
      'that prints lines of rubbish',
      `${ANSWER_REQUEST}\nprintf 'no json\\n{"type":42}\\n[]\\nnull\\n"x"\\n'`,
    ],
    ['that prints half a line of JSON', `${ANSWER_REQUEST}\nprintf '{"type":"assistant","mess'`],
    ['that prints messages that are none', `${ANSWER_REQUEST}\nprintf '{"type":"assistant"}\\n'\nsleep 1000`],
    ['that prints bytes that are no text', 'head -c 20000 /dev/urandom'],
    ['that kills itself', 'kill -SEGV $$'],
  ])('[C02] a CLI that speaks rubbish or dies is E005: %s', async (_, script) => {
    await fakeCli(directory, script);
    expect(await run()).toEqual({ status: 502, code: 'E005' });
  });

  it.each([
    ['says nothing', ''],
    ['says nothing after the handshake', ANSWER_REQUEST],
    ['has closed its output', 'exec >&- 2>&-'],
  ])('[C03] a CLI that stays silent is ended by its time limit: %s', async (_, before) => {
    await fakeCli(directory, `${before}\nsleep 1000`);
    expect(await run(1500)).toEqual({ status: 504, code: 'E001' });
  });

  it.each([
    ['floods with lines', 'yes'],
    ['floods with one endless line', "tr '\\0' a < /dev/zero"],
    ['floods with JSON', `yes '{"type":"system","subtype":"status"}'`],
    ['has flooded and then stays', `head -c 300000 /dev/zero | tr '\\0' a\ntrap '' PIPE\nsleep 1000`],
  ])('[C04] a CLI that floods is E015: %s', async (_, script) => {
    await fakeCli(directory, script);
    expect(await run()).toEqual({ status: 422, code: 'E015' });
  });

  it('[C05] a CLI that floods its standard error harms nothing', async () => {
    await fakeCli(directory, 'yes >&2');
    expect(await run(3000)).toEqual({ status: 504, code: 'E001' });
  });

  it('[C06] a CLI that is no program is E005', async () => {
    await fakeCli(directory, '');
    const { writeFile } = await import('node:fs/promises');
    await writeFile(join(directory, 'claude'), '\x7fELF rubbish');
    expect((await run()).code).toBe('E005');
  });

  it('[C07] a CLI that is missing is E012', async () => {
    await rm(join(directory, 'claude'));
    expect(await run()).toEqual({ status: 503, code: 'E012' });
  });
});
