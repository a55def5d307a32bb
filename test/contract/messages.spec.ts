/** Real: the engine, the SDK, the gateway, the sandbox and the tools in it. Not real: the model. */
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import type { Client } from '../support/client.js';
import { lastBody } from '../support/heard.js';
import { type ModelGround, openModelGround } from '../support/model-ground.js';

const SOURCE = 'export const add = (a, b) => a + b;\n\nexport const sub = (a, b) => a - b;\n';

describe('the engine messages', () => {
  let ground: ModelGround;
  let admin: Client;
  beforeAll(async () => {
    ground = await openModelGround({
      PROMPT_POLICY: 'off',
      MESSAGES_TOOL_TIMEOUT_MS: '1500',
      MESSAGES_OUTPUT_TOKENS: '500',
      MESSAGES_TOOL_OUTPUT_CHARS: '2000',
      MESSAGES_FILES_TOKENS: '500',
    });
    ({ admin } = ground.caisson);
    await put('src/add.js', SOURCE);
    await put('docs/guide.md', '# Guide\n');
  });
  afterAll(() => ground.clear());

  const put = (path: string, content: string) =>
    admin.call('PUT', `/api/projects/default/files/${path}`, content);
  const contentOf = async (path: string) =>
    (await admin.get<string>(`/api/projects/default/files/${path}`)).body;
  const ask = async (prompt: string, more: Partial<ClaudeCodeRequest> = {}) => {
    const { options, ...rest } = more;
    const request = { action: 'generate' as const, prompt, ...rest };
    const { status, body } = await admin.run({ ...request, options: { engine: 'messages', ...options } });
    const events = await admin.history(body.metadata.executionId);
    const results = events.flatMap((event) => (event.type === 'agent.tool_result' ? [event.data] : []));
    return { status, body, events, results };
  };
  /** What each tool said, in one run: a run is five programs in sandboxes, half a second of a processor. */
  const use = async (calls: readonly (readonly [string, object])[], more?: Partial<ClaudeCodeRequest>) => {
    const lines = calls.map(([tool, input]) => `@tool ${tool} ${JSON.stringify(input)}`);
    const { results } = await ask([...lines, '@text ok'].join('\n'), more);
    expect(results).toHaveLength(calls.length);
    return results;
  };
  const userText = () =>
    lastBody(ground.model).messages.flatMap(({ content }) =>
      typeof content === 'string' ? [content] : content.flatMap(({ text }) => text ?? []),
    );

  describe('before the model is asked', () => {
    it('shows a map of the workspace and the files that were asked for, apart from the prompt', async () => {
      await put('long.txt', 'word '.repeat(1000));
      await ask('@text ok', { context: { files: ['docs/guide.md', 'docs', 'long.txt'] } });
      const [context, prompt] = userText();
      expect(context).toMatch(/^<context>\n[\s\S]*<\/context>$/);
      expect(context).toContain('docs/guide.md (8)');
      expect(context).toContain('docs/guide.md was asked for:\n```\n# Guide\n');
      expect(context).toContain('docs was asked for: not a regular file.');
      expect(context).toContain('long.txt was asked for: too long to be shown here: use Read.');
      // The declarations of a file that nobody asked for.
      expect(context).toContain('  export const add = (a, b) => a + b;');
      expect(prompt).toBe('@text ok');
      const { headers } = ground.model.requests.findLast(({ method }) => method === 'POST')!;
      expect(headers['x-api-key']).toBe(ground.key);
      expect(headers.authorization).toBeUndefined();
    });

    it('has a system prompt of its own for each command', async () => {
      await ask('@text ok');
      const generate = lastBody(ground.model).system.map(({ text }) => text);
      await ask('@structured {"summary":"s","structure":[],"findings":[]}', { action: 'analyze' });
      const analyze = lastBody(ground.model).system.map(({ text }) => text);
      expect(analyze[0]).not.toBe(generate[0]);
      expect(analyze[1]).toContain('Caisson command: analyze');
    });
  });

  it('has its prompt kept in the cache, and the usage tells of it', async () => {
    await put('big.js', '// a line of a source that is long enough to be kept\n'.repeat(30));
    const files = { context: { files: ['big.js'] } };
    const { events, body } = await ask('@tool Read {"file_path":"src/add.js"}\n@text ok', files);
    const usages = events.flatMap((event) => (event.type === 'usage.updated' ? [event.data.models] : []));
    expect(usages[0]?.rehearsal?.cacheCreationTokens).toBeGreaterThan(1000);
    expect(usages.at(-1)?.rehearsal?.cacheReadTokens).toBeGreaterThan(1000);
    expect(body.metadata.tokensUsed).toBeGreaterThan(2000);
  });

  describe('tools', () => {
    it('read, list and search, and say what is wrong with their input', async () => {
      const said = await use([
        ['Read', { file_path: 'src/add.js', offset: 3 }],
        ['Read', { file_path: '/workspace/src/add.js', limit: 1 }],
        ['List', { path: 'src' }],
        ['List', {}],
        ['Search', { pattern: 'const s\\w+', files: '*.js' }],
        ['Search', { pattern: '(' }],
        ['Read', {}],
        ['Read', { file_path: 'none.js' }],
        ['Read', { file_path: 'long.txt' }],
      ]);
      expect(said.map(({ isError }) => isError)).toEqual([
        ...[false, false, false, false, false],
        ...[true, true, true, false],
      ]);
      const outputs = said.map(({ output }) => output);
      expect(outputs[0]).toBe('3\texport const sub = (a, b) => a - b;');
      expect(outputs[1]).toBe('1\texport const add = (a, b) => a + b;\n(lines 2 to 3 follow: use offset)');
      expect(outputs[2]).toBe('src/add.js');
      expect(outputs[3]).toContain('docs/\ndocs/guide.md');
      expect(outputs[4]).toBe('src/add.js:3: export const sub = (a, b) => a - b;');
      expect(outputs[5]).toContain('no regular expression');
      expect(outputs.slice(6, 8)).toEqual(['Error: file_path is missing', 'Error: no such file']);
      expect(outputs[8]?.length).toBeLessThan(2100);
      expect(outputs[8]).toMatch(/\(cut: \d+ characters more\)$/);
    });

    it('apply a patch whose line numbers are wrong, and none that does not fit', async () => {
      await put('patched.js', SOURCE);
      const hunk = (old: string, made: string) =>
        `--- a/patched.js\n+++ b/patched.js\n@@ -90,3 +90,3 @@\n ${old}\n \n-export const sub = (a, b) => a - b;\n+export const minus = (a, b) => a - b;\n--- /dev/null\n+++ b/${made}\n@@ -0,0 +1 @@\n+export {};\n`;
      const [bad, good] = await use([
        ['ApplyPatch', { patch: hunk('something else', 'never.js') }],
        ['ApplyPatch', { patch: hunk('export const add = (a, b) => a + b;', 'made.js') }],
      ]);
      expect(bad).toMatchObject({ isError: true, output: expect.stringContaining('does not fit') as string });
      expect(good).toMatchObject({ output: 'Changed patched.js.\nCreated made.js.', isError: false });
      expect(await contentOf('patched.js')).toBe(SOURCE.replace('sub', 'minus'));
      expect((await admin.get('/api/projects/default/files/never.js')).status).toBe(404);
    });

    it('do not leave the workspace by any path', async () => {
      const paths = ['/etc/passwd', '../../etc/passwd', 'src/../../etc/passwd'];
      const said = await use(
        paths.flatMap((path) => [
          ['Read', { file_path: path }] as const,
          ['Write', { file_path: path, content: 'x' }] as const,
          ['List', { path }] as const,
          ['Search', { path, pattern: 'root' }] as const,
          ['ApplyPatch', { patch: `--- ${path}\n+++ ${path}\n@@\n-x\n+y\n` }] as const,
        ]),
      );
      for (const { output, isError } of said) {
        expect(isError).toBe(true);
        expect(output).toMatch(/leads out of the workspace/);
      }
    });

    it('are ended when they take too long, and work again after it', async () => {
      await put('aaa.txt', `${'a'.repeat(40)}!`);
      const [late, next] = await use([
        ['Search', { pattern: '^(a+)+$', path: 'aaa.txt' }],
        ['Read', { file_path: 'src/add.js' }],
      ]);
      expect(late).toMatchObject({ isError: true, output: expect.stringContaining('1500 ms') as string });
      expect(next).toMatchObject({ isError: false });
    });
  });

  it('refactors by a patch', async () => {
    const { body } = await ask('Tidy up src/add.js', { action: 'refactor' });
    expect(body.result?.files).toMatchObject([{ path: 'src/add.js', action: 'modified' }]);
  });

  it('goes on where an answer was cut at its largest length', async () => {
    const { body } = await ask('@deltas 300 of "words and "\n@end\n@text done');
    expect(body.success).toBe(true);
    expect(body.result?.text).toMatch(/^words and .*done$/s);
  });

  it('reminds a model that forgets the form of its answer, and gives up after that', async () => {
    const { status, body } = await ask('@text no object\n@end', { action: 'analyze' });
    expect({ status, code: body.error?.code }).toEqual({ status: 502, code: 'E005' });
    expect(userText().filter((text) => text.includes('StructuredOutput'))).toHaveLength(2);
  });

  it('does not take an object of another form', async () => {
    const good = '{"summary":"s","structure":[],"findings":[]}';
    const { results, body } = await ask(`@structured {"summary":1}\n@structured ${good}`, {
      action: 'analyze',
    });
    expect(results[0]).toMatchObject({ isError: true, output: expect.stringContaining('summary') as string });
    expect(body.result?.analysis).toEqual(JSON.parse(good));
  });
});
