/** The command, line by line as a user types it, as real processes: against one server, and alone. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { VERSION } from '../../src/version.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import type { Client } from '../support/client.js';
import { project, type Shell, shellIn } from '../support/command-line.js';
import { descendantsOf, linesOf, until } from '../support/processes.js';
import { buildServer } from '../support/server-process.js';

const FILES = {
  'src/price.ts': 'export const price = (amount: number) => amount * 2;\n',
  'README.md': '# Shop\n',
  '.gitignore': 'secret.txt\n',
  'secret.txt': 'a password\n',
};
/** For a prompt: what the stand-in is to do, in lines of its own. */
const script = (...lines: string[]) => `'\n${lines.join('\n')}\n'`;
const HELLO = script(
  '@tool Write {"file_path":"/workspace/hello.ts","content":"export {};\\n"}',
  '@text Written.',
);

describe('the claude-code command', () => {
  let home: string;
  let caisson: Caisson;
  let shell: Shell;
  let ann: Client;
  /** A new project for each test. */
  let cwd: string;

  beforeAll(async () => {
    buildServer();
    home = await temporaryDirectory();
    caisson = await startCaisson();
    ann = await caisson.clientOf('ann');
    shell = await shellIn(home, { CAISSON_URL: caisson.url, CAISSON_API_KEY: ann.secret });
  });
  afterAll(async () => {
    await caisson.clear();
    await rm(home, { recursive: true, force: true });
  });
  beforeEach(async () => {
    cwd = await project(await mkdtemp(join(home, 'shop-')), FILES);
  });

  const here = (path: string) => readFile(join(cwd, path), 'utf8');
  const latest = async () => {
    const list = await ann.call<{ items: { id: string; status: string }[] }>(
      'GET',
      '/api/executions?limit=1',
    );
    return list.body.items[0]!;
  };

  describe('says', () => {
    it('its version', async () => {
      expect(await shell.type('claude-code --version')).toEqual({
        code: 0,
        stdout: `${VERSION}\n`,
        stderr: '',
      });
    });

    it('what can be typed, when nothing is', async () => {
      const { code, stdout } = await shell.type('claude-code');
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('test-connection') });
    });

    it('what could be typed next, to the shell', async () => {
      const next = await Promise.all(
        ['rev', 'review --sev', 'review --severity ""'].map((words) =>
          shell.type(`claude-code complete -- ${words}`),
        ),
      );
      expect(next.map(({ stdout }) => stdout.split(/\s/)[0])).toEqual(['review', '--severity', 'info']);
      const { stdout } = await shell.type('claude-code complete bash');
      expect(stdout).toContain('complete -F __claude_code_complete claude-code');
    });

    it('what is wrong with a line, and ends with 2', async () => {
      const lines = [
        ['claude-code analyze', "missing required argument 'path'"],
        ['claude-code annalyze src', 'Did you mean analyze?'],
        ['claude-code analyze src --depth 11', 'whole number from 1 to 10'],
        ['claude-code review src --severity bad', 'Allowed choices are info, low'],
        ['claude-code review src --dry-run', 'changes of --fix'],
        ['claude-code generate x --config ./none.json', 'none.json'],
        ['claude-code generate x --directory ./none', './none is no directory'],
        ['claude-code --server ftp://x generate x', 'ftp://x is no address'],
      ] as const;
      const answers = await Promise.all(lines.map(([line]) => shell.type(line, { cwd })));
      expect(answers.map(({ code }) => code)).toEqual(lines.map(() => 2));
      for (const [index, { stdout, stderr }] of answers.entries()) {
        expect(stderr).toContain(lines[index]![1]);
        expect(stdout).toBe('');
      }
    });

    it('which field of a configuration file is wrong', async () => {
      await writeFile(join(cwd, 'claude-code.json'), '{ "modell": "x", "maxTokens": 0 }');
      const { code, stderr } = await shell.type('claude-code generate x --config ./claude-code.json', {
        cwd,
      });
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringMatching(/maxTokens: .*[\s\S]*modell/),
      });
    });

    it('that no server is there, and ends with 3', async () => {
      const { code, stderr } = await shell.type('claude-code --server http://127.0.0.1:1 analyze src', {
        cwd,
      });
      expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('cannot be reached') });
    });

    it('what the server refuses, and ends with its code', async () => {
      const { code, stderr } = await shell.type('claude-code analyze src', {
        cwd,
        env: { CAISSON_API_KEY: 'x' },
      });
      expect({ code, stderr }).toEqual({ code: 17, stderr: expect.stringContaining('E007') });
      const model = await shell.type('claude-code generate x --model none', { cwd });
      expect(model).toMatchObject({
        code: 13,
        stderr: expect.stringContaining('options.model must be one of'),
      });
    });
  });

  describe('against a server', () => {
    it('test-connection goes the whole way', async () => {
      const { code, stdout } = await shell.type('claude-code test-connection');
      expect(stdout.split('\n').map((line) => line.slice(0, 18).trim())).toEqual([
        '✓ server',
        '✓ API key',
        '✓ sandbox',
        '✓ Claude Code',
        "✓ model's service",
        '',
      ]);
      expect(code).toBe(0);
    });

    it('generate writes files here, when nobody has to be asked', async () => {
      const line = `claude-code generate ${HELLO} --model claude-sonnet-5-5 --max-tokens 4096 --no-interactive`;
      expect(await shell.type(line, { cwd })).toEqual({
        code: 0,
        stdout: 'Written.\n',
        stderr: 'created hello.ts\n',
      });
      expect(await here('hello.ts')).toBe('export {};\n');
    });

    it('generate changes nothing unasked, and ends with 4', async () => {
      const { code, stderr } = await shell.type(`claude-code generate ${HELLO}`, { cwd });
      expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining('no terminal to ask on') });
      expect(existsSync(join(cwd, 'hello.ts'))).toBe(false);
    });

    it('generate --dry-run prints a diff that git could apply, and nothing else', async () => {
      const { code, stdout, stderr } = await shell.type(`claude-code generate ${HELLO} --dry-run`, { cwd });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toBe(
        'diff --git a/hello.ts b/hello.ts\nnew file mode 100644\n--- /dev/null\n+++ b/hello.ts\n@@ -0,0 +1 @@\n+export {};\n',
      );
      expect(existsSync(join(cwd, 'hello.ts'))).toBe(false);
    });

    it('generate --output puts the files elsewhere, with what a configuration file and standard input say', async () => {
      await writeFile(
        join(cwd, 'claude-code.json'),
        '{ "model": "claude-haiku-5-5", "language": "typescript" }',
      );
      const line = 'claude-code generate - --output ./generated/ --config ./claude-code.json --format json';
      const stdin = `@tool Write {"file_path":"/workspace/a/b.ts","content":"1"}\n@echo-request\n`;
      const { code, stdout } = await shell.type(line, { cwd, stdin });
      const { result, applied } = JSON.parse(stdout);
      expect(applied).toEqual({
        directory: join(cwd, 'generated'),
        files: [{ path: 'a/b.ts', action: 'created' }],
      });
      const { model, system } = JSON.parse(result.text);
      expect(model).toBe('claude-haiku-5-5');
      expect(JSON.stringify(system)).toContain('Language: typescript');
      expect(code).toBe(0);
      expect(await here('generated/a/b.ts')).toBe('1');
      expect(existsSync(join(cwd, 'a'))).toBe(false);
    });

    it('analyze prints one JSON document, of what git would keep and what was named', async () => {
      const look = script('@tool Bash {"command":"find . -type f | sort"}');
      const line = `claude-code analyze ./src ${look} --format json --depth 3 --include-tests`;
      const { code, stdout, stderr } = await shell.type(line, { cwd });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const document = JSON.parse(stdout);
      expect(document).toMatchObject({
        success: true,
        action: 'analyze',
        result: { analysis: expect.anything() },
      });
      const id: string = document.metadata.executionId;
      const { body } = await ann.call<{ request: object }>('GET', `/api/executions/${id}`);
      expect(body.request).toMatchObject({
        prompt: expect.stringMatching(/^Analyze src\./),
        options: { depth: 3, includeTests: true, format: 'json' },
        context: { files: ['src'] },
      });
      const watched = await shell.type(`claude-code watch ${id} --format json`);
      const seen = jsonLines(watched.stdout).find(({ type }) => type === 'agent.tool_result');
      expect(seen?.data.output).toBe('./.gitignore\n./README.md\n./src/price.ts');
      expect(watched.code).toBe(0);
    });

    it('refactor --backup keeps what it changes', async () => {
      const edit = script(
        '@tool Read {"file_path":"/workspace/src/price.ts"}',
        '@tool Edit {"file_path":"/workspace/src/price.ts","old_string":"* 2","new_string":"* 3"}',
        '@text Done.',
      );
      const typed = await shell.type(`claude-code refactor src/price.ts ${edit} --backup --yes`, { cwd });
      expect(typed).toMatchObject({
        code: 0,
        stderr: expect.stringMatching(/^modified src\/price\.ts\nthe state before is in /),
      });
      expect(await here('src/price.ts')).toContain('* 3');
      const [backup] = await readdir(join(cwd, '.claude-code-backup')).then((names) =>
        names.filter((name) => name !== '.gitignore'),
      );
      expect(await here(`.claude-code-backup/${backup}/src/price.ts`)).toContain('* 2');
    });

    it('review lists what it finds, and with --fix mends it', async () => {
      const finding =
        '@structured {"summary":"One.","findings":[{"severity":"high","path":"README.md","line":1,"problem":"says nothing","suggestion":"say more"}]}';
      const line = `claude-code review ./src ${script('@tool Bash {"command":"echo more >> README.md"}', finding)} --severity high --format markdown --fix --yes`;
      const { code, stdout, stderr } = await shell.type(line, { cwd });
      expect({ code, stderr }).toEqual({ code: 0, stderr: 'modified README.md\n' });
      expect(stdout).toBe('One.\n\n- [high] README.md:1: says nothing → say more\n');
      expect(await here('README.md')).toBe('# Shop\nmore\n');
    });

    it('--directory and --only name what is worked on', async () => {
      const line = `claude-code --directory ${cwd} --only README.md generate ${script('@tool Bash {"command":"ls > list.txt"}')} --yes`;
      expect(await shell.type(line, { cwd: home })).toMatchObject({ code: 0, stderr: 'created list.txt\n' });
      expect(await here('list.txt')).toBe('README.md\nlist.txt\n');
    });

    it('nothing is written outside, whatever the agent made and the directory holds', async () => {
      const outside = await mkdtemp(join(home, 'outside-'));
      await symlink(outside, join(cwd, 'out'));
      const line = `claude-code generate ${script('@tool Bash {"command":"mkdir out && echo x > out/planted"}')} --yes`;
      const { code, stderr } = await shell.type(line, { cwd });
      expect({ code, stderr }).toEqual({
        code: 4,
        stderr: expect.stringContaining('out/planted leads through a link'),
      });
      expect(await readdir(outside)).toEqual([]);
    });

    it('--continue goes on in the conversation of an execution before', async () => {
      const first = await shell.type(`claude-code analyze src ${script('@text One.')} --format json`, {
        cwd,
      });
      const { metadata } = JSON.parse(first.stdout);
      const line = `claude-code generate ${HELLO} --continue ${metadata.executionId} --dry-run --format json`;
      const second = JSON.parse((await shell.type(line, { cwd })).stdout);
      const { body } = await ann.call('GET', `/api/executions/${second.metadata.executionId}`);
      expect(body).toMatchObject({ status: 'succeeded', continues: metadata.executionId });
    });

    it('a project of the server is worked on where it is', async () => {
      const line = `claude-code generate ${HELLO} --project shop`;
      expect(await shell.type(line, { cwd })).toMatchObject({ code: 0, stdout: 'Written.\n' });
      expect(existsSync(join(cwd, 'hello.ts'))).toBe(false);
      const list = await shell.type('claude-code executions --project shop --status succeeded --format json');
      expect(JSON.parse(list.stdout).items).toMatchObject([{ action: 'generate', projectId: 'shop' }]);
      const table = await shell.type('claude-code executions --project shop');
      expect(table.stdout).toMatch(/^[\da-f-]{36} {2}succeeded {2}generate {2}shop {5}\d{4}-/);
    });

    it('batch runs a file of requests and brings their changes back', async () => {
      const lines = ['one', 'two'].map((name) =>
        JSON.stringify({
          action: 'generate',
          prompt: `@tool Bash {"command":"echo ${name} >> log.txt"}\n@text ${name}`,
        }),
      );
      await writeFile(join(cwd, 'requests.jsonl'), `${lines.join('\n')}\n`);
      const { code, stdout, stderr } = await shell.type('claude-code batch requests.jsonl --yes', { cwd });
      expect(jsonLines(stdout)).toMatchObject([
        { position: 0, status: 'succeeded', response: { result: { text: 'one' } } },
        { position: 1, status: 'succeeded', response: { result: { text: 'two' } } },
      ]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: 'created log.txt\n' });
      expect(await here('log.txt')).toBe('one\ntwo\n');
    });

    it('batch --economy does so at half the price, or says which line cannot wait for one answer', async () => {
      const file = join(cwd, 'nightly.jsonl');
      await writeFile(
        file,
        '{"action":"generate","prompt":"@tool Write {\\"file_path\\":\\"night.txt\\",\\"content\\":\\"n\\"}"}',
      );
      const { code, stdout } = await shell.type('claude-code batch nightly.jsonl --economy --yes', { cwd });
      expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({ code: 0, status: 'succeeded' });
      expect(await here('night.txt')).toBe('n');
      await writeFile(file, '{"action":"refactor","prompt":"Tidy up"}');
      const refused = await shell.type('claude-code batch nightly.jsonl --economy --yes', { cwd });
      expect(refused).toMatchObject({ code: 13, stderr: expect.stringContaining('asks the model once') });
    });

    it('batch names every line that is no request', async () => {
      const { code, stderr } = await shell.type('claude-code batch -', {
        cwd,
        stdin: '{"action":"analyze"\n[]\n',
      });
      expect(code).toBe(2);
      expect(stderr).toMatch(/line 1: .*\n {2}line 2: is no JSON object/);
    });

    it('Ctrl-C cancels the execution, says so and ends with 130', async () => {
      const typing = shell.begin(`claude-code generate ${script('@text Working.', '@hang')}`, { cwd });
      await until(async () => (await latest()).status === 'running');
      typing.process.kill('SIGINT');
      const { id } = await latest();
      expect(await typing.ended).toEqual({
        code: 130,
        stdout: '',
        stderr: `Cancelling … (again to leave at once)\nCancelled (execution ${id})\n`,
      });
      expect((await latest()).status).toBe('cancelled');
    });

    it('a lost connection is taken up again where it was', async () => {
      const prompt = '@deltas 60 every 30ms of "{n} "';
      const asked = await ann.call<{ id: string }>('POST', '/api/executions', { action: 'generate', prompt });
      const wire = await Wire.to(caisson.url);
      const line = `claude-code watch ${asked.body.id} --format json`;
      const typing = shell.begin(line, { cwd, env: { CAISSON_URL: wire.url } });
      await until(() => typing.printed().includes('agent.text'));
      wire.cut();
      const { code, stdout, stderr } = await typing.ended;
      await wire.remove();
      const events = jsonLines(stdout);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
      expect(events.at(-1)).toMatchObject({ type: 'execution.finished', data: { status: 'succeeded' } });
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringMatching(/^Connection lost \(.*\); trying again …\n$/),
      });
    });

    it('at a terminal it shows what happens, the diff in colour, and asks before it changes anything', async () => {
      const line = `claude-code generate ${HELLO}`;
      const no = await shell.atTerminal(line, 'n\n', { cwd });
      expect(no.code).toBe(4);
      expect(existsSync(join(cwd, 'hello.ts'))).toBe(false);
      const { code, seen } = await shell.atTerminal(line, 'y\n', { cwd });
      expect(seen).toMatch(/● Write\S* hello\.ts/);
      expect(seen).toContain('Written.');
      expect(seen).toContain('\x1b[32m+export {};');
      expect(seen).toMatch(/✓ generate succeeded\S* .*· [\d.]+ s · [\d,]+ tokens/);
      expect(seen).toMatch(/Change 1 file in .*\? \[y\/N\]/);
      expect(code).toBe(0);
      expect(await here('hello.ts')).toBe('export {};\n');
    });
  });

  describe('alone', () => {
    const alone = { CAISSON_URL: '', CAISSON_API_KEY: '' };
    const { CLAUDE_CODE_BINARY } = process.env;

    it('works on the files here in a sandbox, says that the model is rehearsed, and leaves nothing behind', async () => {
      const TMPDIR = await temporaryDirectory();
      // A server's own settings are none of its business.
      const env = { ...alone, TMPDIR, CLAUDE_CODE_BINARY, CAISSON_ROLE: 'worker', PORT: '1' };
      const line = `claude-code generate ${script('@tool Bash {"command":"ls > list.txt"}', '@echo-request')} --model my-model --yes --format json`;
      const { code, stdout, stderr } = await shell.type(line, { cwd, env });
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr:
          'No ANTHROPIC_API_KEY: the model is rehearsed offline. Everything else is real.\ncreated list.txt\n',
      });
      expect(JSON.parse(JSON.parse(stdout).result.text)).toMatchObject({ model: 'my-model' });
      expect(await here('list.txt')).toBe('README.md\nlist.txt\nsrc\n');
      expect(await readdir(TMPDIR)).toEqual([]);
      await rm(TMPDIR, { recursive: true });
    });

    it('Ctrl-C ends what runs, changes nothing and leaves nothing behind', async () => {
      const TMPDIR = await temporaryDirectory();
      const env = { ...alone, TMPDIR, CLAUDE_CODE_BINARY };
      const endless = script('@tool Bash {"command":"touch begun; sleep 4711"}');
      const typing = shell.begin(`claude-code generate ${endless} --yes`, { cwd, env });
      const below = async () => linesOf(await descendantsOf(typing.process.pid ?? 0));
      await until(async () => (await below()).some((line) => line.includes('sleep 4711')));
      typing.process.kill('SIGINT');
      const { code, stdout, stderr } = await typing.ended;
      expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
      expect(stderr).toMatch(/Cancelling … \(again to leave at once\)\nCancelled \(execution \S+\)\n$/);
      expect(existsSync(join(cwd, 'begun'))).toBe(false);
      expect(await readdir(TMPDIR)).toEqual([]);
      await rm(TMPDIR, { recursive: true });
    });

    it('wants a server where there must be one', async () => {
      const { code, stderr } = await shell.type('claude-code executions', { env: alone });
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('this needs a server') });
    });
  });
});

const jsonLines = (text: string): { type: string; seq: number; data: Record<string, unknown> }[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** A wire that can be cut. */
class Wire {
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async to(target: string): Promise<Wire> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no address');
    const wire = new Wire(server, `http://127.0.0.1:${address.port}`);
    server.on('connection', (client) => {
      const upstream = connect(Number(new URL(target).port), '127.0.0.1');
      for (const socket of [client, upstream]) {
        wire.sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => wire.sockets.delete(socket));
      }
      client.pipe(upstream).pipe(client);
    });
    return wire;
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async remove(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
