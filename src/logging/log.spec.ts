import { Logger } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Log } from './log.js';
import { logContext } from './log-context.js';

describe('Log', () => {
  const lines: string[] = [];
  const last = () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown>;
  const open = (env: NodeJS.ProcessEnv = {}) =>
    new Log(Config.from(env), { write: (line) => lines.push(line) });
  beforeEach(() => (lines.length = 0));

  it("writes what Nest's Logger is given: context, fields and message", () => {
    Logger.overrideLogger(open());
    const logger = new Logger('Execution');
    logger.warn({ attempt: 2 }, 'fenced off');
    expect(last()).toMatchObject({ level: 'warn', context: 'Execution', attempt: 2, msg: 'fenced off' });
    logger.log('plain');
    expect(last()).toMatchObject({ level: 'info', context: 'Execution', msg: 'plain' });
    logger.error(new Error('boom'));
    expect(last()).toMatchObject({
      level: 'error',
      msg: 'boom',
      err: { stack: expect.stringContaining('boom') },
    });
    logger.error('failed', 'at line 1');
    expect(last()).toMatchObject({ msg: 'failed', stack: 'at line 1', context: 'Execution' });
    Logger.overrideLogger(false);
  });

  it('puts the request and the execution on every line within', async () => {
    const log = open();
    await logContext.run({ requestId: 'r', executionId: 'e' }, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      log.log('inside');
    });
    expect(last()).toMatchObject({ requestId: 'r', executionId: 'e' });
    log.log('outside');
    expect(last()).not.toHaveProperty('requestId');
  });

  it('keeps to LOG_LEVEL', () => {
    open({ LOG_LEVEL: 'warn' }).log('quiet');
    expect(lines).toEqual([]);
  });

  it('shows no configured secret and no credential, wherever it stands', () => {
    const secret = 'bootstrap"with\\odd-characters-0123456789';
    const log = open({ BOOTSTRAP_API_KEY: secret, ANTHROPIC_API_KEY: 'canary-key-1' });
    log.error(
      { headers: { authorization: 'Basic abc', cookie: 'id=1' }, err: new Error(`bad ${secret}`) },
      'canary-key-1',
    );
    log.log(`with csk_${'a'.repeat(43)} and sk-ant-api03-xyz_123456 and Bearer abcdefgh12345678`);
    for (const line of lines) {
      expect(() => void JSON.parse(line)).not.toThrow();
      expect(line).not.toMatch(/odd-characters|canary|Basic abc|id=1|csk_a|api03|abcdefgh/);
      expect(line).toContain('[redacted]');
    }
  });
});
