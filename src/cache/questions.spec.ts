import type { AgentEngine } from '../agents/agent-engine.js';
import { AgentEngines } from '../agents/engines/agent-engines.js';
import type { ClaudeCodeRequest } from '../commands/claude-code-request.js';
import { AnalyzeCommand } from '../commands/analyze.command.js';
import { CommandCompiler } from '../commands/command-compiler.js';
import { CommandRegistry } from '../commands/command-registry.js';
import { GenerateCommand } from '../commands/generate.command.js';
import { RefactorCommand } from '../commands/refactor.command.js';
import { ReviewCommand } from '../commands/review.command.js';
import { Config } from '../config/config.js';
import type { EgressGateway } from '../egress/egress-gateway.js';
import { type Asked, type Question, Questions } from './questions.js';

interface Server {
  settings?: NodeJS.ProcessEnv;
  engine?: Partial<Pick<AgentEngine, 'name' | 'version'>>;
  hosts?: string[];
  /** Of analyze. */
  command?: Partial<AnalyzeCommand>;
}

function questions({ settings, engine, hosts = [], command }: Server = {}): Questions {
  const config = Config.from({ ...settings });
  const analyze = Object.assign(new AnalyzeCommand(), command);
  const commands = [new GenerateCommand(), analyze, new RefactorCommand(), new ReviewCommand()];
  const registry = new CommandRegistry(commands);
  const models = config.values.CLAUDE_CODE_MODELS;
  const anEngine = { name: 'claude-code', models, version: () => '1', ...engine } as unknown as AgentEngine;
  const engines = Object.assign(new AgentEngines([anEngine], config), { defaultFor: () => anEngine.name });
  const egress = { grantsOf: () => Promise.resolve(hosts) } as unknown as EgressGateway;
  return new Questions(new CommandCompiler(registry, engines, config), registry, engines, egress, config);
}

const REQUEST: ClaudeCodeRequest = { action: 'analyze', prompt: 'Explain it' };
const asked = (request: Partial<ClaudeCodeRequest> = {}, who: Partial<Asked> = {}): Asked => ({
  userId: 'alice',
  projectId: 'p',
  ...who,
  request: { ...REQUEST, ...request },
});
const nameOf = async (one: Asked, server?: Server): Promise<string | undefined> =>
  (await questions(server).of(one))?.name;

describe('the name of a question', () => {
  it('is the same for the same request, however it is written and delivered', async () => {
    const name = await nameOf(asked({ options: { depth: 2, model: 'claude-opus-5-5' } }));
    expect(name).toMatch(/^[0-9a-f]{64}$/);
    const same: Partial<ClaudeCodeRequest>[] = [
      { options: { model: 'claude-opus-5-5', depth: 2, severity: undefined } },
      { options: { depth: 2, model: 'claude-opus-5-5', streaming: true } },
      { options: { depth: 2, model: 'claude-opus-5-5', cache: 'auto' } },
      { options: { depth: 2, model: 'claude-opus-5-5', cache: 'refresh' } },
      { options: { depth: 2, model: 'claude-opus-5-5' }, metadata: { timestamp: 17 } },
      { options: { depth: 2, model: 'claude-opus-5-5', engine: 'claude-code' } },
    ];
    for (const request of same) expect(await nameOf(asked(request))).toBe(name);
    expect(await nameOf(asked({ options: { depth: 2, model: 'claude-opus-5-5' } }, { projectId: 'q' }))).toBe(
      name,
    );
  });

  it.each<[string, Partial<ClaudeCodeRequest>]>([
    ['command', { action: 'review' }],
    ['prompt', { prompt: 'Explain it ' }],
    ['working directory', { context: { workingDirectory: 'src' } }],
    ['files', { context: { files: ['a.ts'] } }],
    ['language', { context: { language: 'german' } }],
    ['framework', { context: { framework: 'nestjs' } }],
    ['form', { options: { format: 'text' } }],
    ['time limit', { options: { timeout: 5000 } }],
    ['tokens', { options: { maxTokens: 5000 } }],
    ['model', { options: { model: 'claude-opus-5-5' } }],
    ['depth', { options: { depth: 2 } }],
    ['tests', { options: { includeTests: true } }],
  ])('is another one for another %s', async (_, request) => {
    expect(await nameOf(asked(request))).toMatch(/^[0-9a-f]{64}$/);
    expect(await nameOf(asked(request))).not.toBe(await nameOf(asked()));
  });

  it.each<[string, Server]>([
    ['engine', { engine: { name: 'other' } }],
    ['version of the engine', { engine: { version: () => '2' } }],
    ['version of the command', { command: { version: '9' } }],
    ['system prompt', { command: { instructions: () => ['Otherwise.'] } }],
    ['tools', { command: { tools: () => ['Read'] as never } }],
    ['shape of the answer', { command: { outputSchema: () => ({ type: 'object' }) } }],
    ['model of the command', { settings: { MODEL_BY_COMMAND: 'analyze=claude-opus-5-5' } }],
    ['model by default', { settings: { CLAUDE_CODE_MODEL: 'claude-opus-5-5' } }],
    ['number of turns', { settings: { CLAUDE_CODE_MAX_TURNS: '7' } }],
    ['time limit by default', { settings: { CLAUDE_CODE_TIMEOUT: '77' } }],
    ['model service', { settings: { ANTHROPIC_BASE_URL: 'https://models.example' } }],
    ['rehearsal or real model', { settings: { ANTHROPIC_API_KEY: 'sk-any' } }],
    ['limit of the sandbox', { settings: { SANDBOX_MEMORY_BYTES: '268435456' } }],
    ['scope', { settings: { CACHE_SCOPE: 'project' } }],
  ])('is another one with another %s', async (_, server) => {
    expect(await nameOf(asked(), server)).not.toBe(await nameOf(asked()));
  });

  it('is a user’s own, or with CACHE_SCOPE=project that of all users of a project of this name', async () => {
    const [alice, bob] = [asked(), asked({}, { userId: 'bob' })];
    expect(await nameOf(bob)).not.toBe(await nameOf(alice));
    const server = { settings: { CACHE_SCOPE: 'project' } };
    expect(await nameOf(bob, server)).toBe(await nameOf(alice, server));
    expect(await nameOf(asked({}, { projectId: 'q' }), server)).not.toBe(await nameOf(alice, server));
  });

  it('is a workspace’s own when there are changes to be had, whatever the scope', async () => {
    const dry: Partial<ClaudeCodeRequest> = { action: 'refactor', options: { dryRun: true } };
    const server = { settings: { CACHE_SCOPE: 'project' } };
    const names = await Promise.all(
      [{}, { userId: 'bob' }, { projectId: 'q' }].map((who) => nameOf(asked(dry, who), server)),
    );
    expect(new Set(names).size).toBe(3);
  });
});

describe('a question', () => {
  const of = (request: Partial<ClaudeCodeRequest>, server?: Server): Promise<Question | undefined> =>
    questions(server).of(asked(request));

  it.each<[Partial<ClaudeCodeRequest>, Partial<Question>]>([
    [{}, { kind: 'reads', mode: 'auto' }],
    [{ action: 'review' }, { kind: 'reads', mode: 'auto' }],
    [
      { action: 'generate', options: { dryRun: true } },
      { kind: 'dry-run', mode: 'auto' },
    ],
    [{ options: { cache: 'refresh' } }, { kind: 'reads', mode: 'refresh' }],
    [
      { action: 'generate', options: { cache: 'auto' } },
      { kind: 'writes', mode: 'auto' },
    ],
    [
      { action: 'review', options: { fix: true, cache: 'auto' } },
      { kind: 'writes', mode: 'auto' },
    ],
  ])('is asked by %j', async (request, question) => {
    expect(await of(request)).toMatchObject(question);
  });

  it.each<[string, Partial<ClaudeCodeRequest>, Server]>([
    ['asks not to', { options: { cache: 'off' } }, {}],
    ['writes and does not ask for it', { action: 'generate' }, {}],
    ['mends and does not ask for it', { action: 'review', options: { fix: true } }, {}],
    ['is a dry run with a backup', { action: 'generate', options: { dryRun: true, backup: true } }, {}],
    ['has an option that is not understood', { options: { continue: 'x' } }, {}],
    ['may reach hosts outside', {}, { hosts: ['example.com'] }],
    ['finds no room', {}, { settings: { CACHE_MAX_BYTES: '0' } }],
    [
      'has an engine whose version is not known',
      {},
      {
        engine: {
          version: () => {
            throw new Error('not installed');
          },
        },
      },
    ],
  ])('is not asked by what %s', async (_, request, server) => {
    expect(await of(request, server)).toBeUndefined();
  });
});
