import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Caisson, startCaisson } from '../support/caisson.js';

/** Never written whole in a request: the prompt itself is kept as it was asked. */
const SECRET = 'a-secret-that-was-configured';
const HALVES = [SECRET.slice(0, 11), SECRET.slice(11)];

describe('a configured secret that an agent comes by', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson({ REDACT_VALUES: `another-secret-value,${SECRET}` });
  });
  afterAll(() => caisson.clear());

  it('[E08] a configured secret that an agent comes by is in no event, answer, change or row, said in pieces too', async () => {
    const print = `printf '%s%s' ${HALVES.join(' ')}`;
    const { id } = await caisson.admin.submit({
      action: 'generate',
      prompt: [
        ...SECRET.split('').map((letter) => `@text ${letter}`),
        `@think ${HALVES[0]}`,
        `@think ${HALVES[1]}`,
        `@tool Bash {"command":"${print} | tee found.txt"}`,
        ...HALVES.map((half) => `@text ${half}`),
      ].join('\n'),
    });
    const events = await caisson.admin.history(id);
    const said = events.map((event) => (event.type === 'agent.text' ? event.data.text : '')).join('');
    expect(said).toContain('[redacted]');
    const results = events.filter((event) => event.type === 'agent.tool_result');
    expect(results.map(({ data }) => data.output)).toEqual(['[redacted]']);
    const execution = await caisson.admin.execution(id);
    expect(execution.response?.result?.files).toEqual([
      { path: 'found.txt', action: 'created', content: '[redacted]' },
    ]);
    const diff = await caisson.admin.get<string>(`/api/executions/${id}/changes`, { accept: 'text/x-diff' });
    expect(diff.body).toContain('+[redacted]');
    await caisson.stop();
    const stored = ['caisson.db', 'caisson.db-wal'].map((file) =>
      read(join(caisson.directory, 'data', file)),
    );
    for (const text of [JSON.stringify(events), said, JSON.stringify(execution), diff.body, ...stored])
      expect(text).not.toContain(SECRET);
  });
});

/** A file's bytes as text; '' when the database was closed and has no journal any more. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
