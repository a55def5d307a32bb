import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { type Caisson, startCaisson } from '../support/caisson.js';

/** What the stand-in says reached it, for a prompt with `@echo-request`. */
interface Echo {
  model: string;
  max_tokens: number;
  system: string[];
  user: string;
  tools: string[];
  outputSchema?: {
    properties: Record<string, { items?: { properties: Record<string, { enum?: string[] }> } }>;
  };
}

const SOURCE = 'export const add = (a, b) => a + b;\n';

describe('the four commands, with the real CLI in the real sandbox', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson();
    const put = await caisson.admin.call('PUT', `/api/projects/default/files/src/add.js`, SOURCE);
    expect(put).toMatchObject({ status: 201, body: { path: 'src/add.js', size: SOURCE.length } });
  });
  afterAll(() => caisson.clear());

  const echoOf = async (request: Omit<ClaudeCodeRequest, 'prompt'>): Promise<Echo> => {
    const { body } = await caisson.admin.run({ prompt: '@echo-request', ...request });
    const said = await caisson.admin.history(body.metadata.executionId);
    const text = said.flatMap((event) => (event.type === 'agent.text' ? [event.data.text] : [])).join('');
    return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as Echo;
  };

  describe('generate', () => {
    it('makes a file and answers it with its content', async () => {
      const { status, body } = await caisson.admin.run({
        action: 'generate',
        prompt: 'Create hello.txt with a friendly greeting',
      });
      expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
      expect(body.result?.files).toEqual([
        { path: 'hello.txt', action: 'created', content: expect.stringMatching(/\w/) as string },
      ]);
      expect(body.result?.code).toBe(body.result?.files?.[0]?.content);
      expect(body.metadata.model).toBe('rehearsal');
      expect(body.metadata.tokensUsed).toBeGreaterThan(0);
    });
  });

  describe('analyze', () => {
    it('answers an object through structured output and changes nothing', async () => {
      const { status, body } = await caisson.admin.run({ action: 'analyze', prompt: 'Explain this project' });
      expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
      expect(body.result?.analysis).toMatchObject({
        summary: expect.any(String) as string,
        findings: expect.any(Array) as [],
      });
      expect(body.result?.files).toBeUndefined();
    });

    it('cannot write: the kernel mounts the workspace read-only', async () => {
      const { id } = await caisson.admin.submit({
        action: 'analyze',
        prompt:
          '@tool Bash {"command":"echo x > /workspace/src/add.js; touch /workspace/new; echo done"}\n@text ok',
      });
      const results = (await caisson.admin.history(id)).filter((event) => event.type === 'agent.tool_result');
      expect(results[0]?.data.output).toMatch(/Read-only file system[\s\S]*Read-only file system[\s\S]*done/);
      expect((await caisson.admin.get('/api/projects/default/files/src/add.js')).body).toBe(SOURCE);
    });

    it('passes depth, and asks for tests only with includeTests', async () => {
      const plain = await echoOf({ action: 'analyze', options: { depth: 7 } });
      expect(plain.system.join()).toContain('at most 7 levels deep');
      expect(plain.system.join()).toContain('Leave tests aside');
      expect(Object.keys(plain.outputSchema?.properties ?? {})).not.toContain('tests');
      const withTests = await echoOf({ action: 'analyze', options: { includeTests: true } });
      expect(withTests.system.join()).toContain('Include the tests');
      expect(Object.keys(withTests.outputSchema?.properties ?? {})).toContain('tests');
    });

    it('leaves the prose out of a JSON answer', async () => {
      const prompt = 'Explain this project';
      const json = await caisson.admin.run({ action: 'analyze', prompt, options: { format: 'json' } });
      expect(json.body.result?.text).toBeUndefined();
      const text = await caisson.admin.run({ action: 'analyze', prompt, options: { format: 'text' } });
      expect(text.body.result?.text).toEqual(expect.any(String));
    });
  });

  describe('refactor', () => {
    it('edits a file and answers the change with a diff', async () => {
      const { status, body } = await caisson.admin.run({ action: 'refactor', prompt: 'Tidy up src/add.js' });
      expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
      expect(body.result?.files).toMatchObject([{ path: 'src/add.js', action: 'modified' }]);
      const changes = `/api/executions/${body.metadata.executionId}/changes`;
      const diff = await caisson.admin.get<string>(changes, { accept: 'text/x-diff' });
      expect(diff.headers.get('content-type')).toContain('text/x-diff');
      expect(diff.body).toMatch(/^--- a\/src\/add\.js\n\+\+\+ b\/src\/add\.js$/m);
      const json = await caisson.admin.get<{ files: unknown[] }>(changes);
      expect(json.body.files).toMatchObject([{ path: 'src/add.js', action: 'modified' }]);
    });
  });

  describe('review', () => {
    const findings = ['low', 'medium', 'high', 'critical'].map((severity) => ({
      severity,
      path: 'src/add.js',
      problem: `a ${severity} problem`,
      suggestion: 'mend it',
    }));
    const prompt = `@structured ${JSON.stringify({ summary: 'four', findings })}`;

    it('answers suggestions through structured output, worst first', async () => {
      const { status, body } = await caisson.admin.run({ action: 'review', prompt: 'Review src/add.js' });
      expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
      expect(body.result?.suggestions?.length).toBeGreaterThan(0);
    });

    it('asks for and reports only what is severe enough', async () => {
      const echo = await echoOf({ action: 'review', options: { severity: 'high' } });
      expect(echo.system.join()).toContain('severity high, critical');
      expect(echo.outputSchema?.properties.findings?.items?.properties.severity?.enum).toEqual([
        'high',
        'critical',
      ]);
      const { body } = await caisson.admin.run({ action: 'review', prompt });
      expect(body.result?.suggestions?.map((line) => line.slice(0, line.indexOf(']') + 1))).toEqual([
        '[critical]',
        '[high]',
        '[medium]',
        '[low]',
      ]);
    });

    it('may write only with fix', async () => {
      const write = '@tool Bash {"command":"echo mended > /workspace/mended.txt"}\n' + prompt;
      const without = await caisson.admin.run({ action: 'review', prompt: write });
      expect(without.body.result?.files).toBeUndefined();
      const fixed = await caisson.admin.run({ action: 'review', prompt: write, options: { fix: true } });
      expect(fixed.body.result?.files).toMatchObject([{ path: 'mended.txt', action: 'created' }]);
    });
  });

  describe('what every command understands', () => {
    it('passes language, framework and files to the agent', async () => {
      const echo = await echoOf({
        action: 'generate',
        context: { language: 'typescript', framework: 'nestjs', files: ['src/add.js'] },
      });
      expect(echo.system.join()).toContain('Language: typescript');
      expect(echo.system.join()).toContain('Framework: nestjs');
      expect(echo.system.join()).toContain('- src/add.js');
    });

    it('asks for the form of the answer', async () => {
      expect((await echoOf({ action: 'generate', options: { format: 'text' } })).system.join()).toContain(
        'plain text',
      );
      expect((await echoOf({ action: 'generate', options: { format: 'json' } })).system.join()).toContain(
        'one JSON document',
      );
      expect((await echoOf({ action: 'generate' })).system.join()).toContain('as Markdown');
    });

    it('asks the model that was named, else the default', async () => {
      expect((await echoOf({ action: 'generate', options: { model: 'claude-haiku-4-5' } })).model).toBe(
        'claude-haiku-4-5',
      );
      expect((await echoOf({ action: 'generate' })).model).toBe('claude-sonnet-5-5');
    });

    it('caps the output tokens of every model request at maxTokens', async () => {
      expect((await echoOf({ action: 'generate', options: { maxTokens: 900 } })).max_tokens).toBe(900);
    });

    it('works in the working directory', async () => {
      const { id } = await caisson.admin.submit({
        action: 'generate',
        prompt: '@tool Bash {"command":"pwd; ls"}\n@text ok',
        context: { workingDirectory: 'src' },
      });
      const results = (await caisson.admin.history(id)).filter((event) => event.type === 'agent.tool_result');
      expect(results[0]?.data.output).toMatch(/^\/workspace\/src\nadd\.js/);
    });

    it('denies tools that the command does not have', async () => {
      const echo = await echoOf({ action: 'analyze' });
      expect(echo.tools).toEqual(expect.arrayContaining(['Bash', 'Read']));
      for (const tool of ['WebFetch', 'WebSearch', 'Agent']) expect(echo.tools).not.toContain(tool);
      const { id } = await caisson.admin.submit({
        action: 'analyze',
        prompt:
          '@tool Write {"file_path":"/workspace/x","content":"x"}\n@tool Bash {"command":"echo allowed"}',
      });
      const results = (await caisson.admin.history(id)).filter((event) => event.type === 'agent.tool_result');
      expect(results.slice(0, 2).map(({ data }) => data)).toMatchObject([
        { isError: true, output: expect.stringContaining('not available here') as string },
        { isError: false, output: 'allowed' },
      ]);
    });

    it('are described for user interfaces, each with its options', async () => {
      const { body } = await caisson.admin.get<{ items: { action: string; options: { name: string }[] }[] }>(
        '/api/commands',
      );
      const own = Object.fromEntries(
        body.items.map(({ action, options }) => [action, options.map(({ name }) => name)]),
      );
      expect(Object.keys(own).sort()).toEqual(['analyze', 'generate', 'refactor', 'review']);
      expect(own.analyze).toEqual(expect.arrayContaining(['depth', 'includeTests', 'format']));
      expect(own.review).toEqual(expect.arrayContaining(['severity', 'fix']));
    });
  });
});
