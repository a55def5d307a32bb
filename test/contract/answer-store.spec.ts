/** Kept answers: found by question and content, bounded by bytes and age, and their contents named. */
import type { Answer } from '../../src/cache/answer.js';
import { AnswerStore } from '../../src/cache/answer-store.js';
import { Config } from '../../src/config/config.js';
import type { Database } from '../../src/persistence/database.js';
import { openDatabase } from '../../src/persistence/persistence.module.js';
import { noChanges } from '../../src/workspaces/workspace.js';
import { SnapshotLog } from '../../src/workspaces/snapshot-log.js';
import { describeOnEachDatabase } from '../support/databases.js';

const MAX_BYTES = 64_000;
const HOUR = 3_600_000;

const answer = (text: string, way?: Answer['way']): Answer => ({
  events: [{ type: 'agent.text', data: { text } }],
  outcome: { text, complete: true },
  changes: noChanges(),
  model: 'rehearsal',
  way,
});

describeOnEachDatabase('the answers that are kept', (engine) => {
  let database: Database;
  let store: AnswerStore;
  beforeAll(async () => {
    const config = Config.from({
      ...(await engine.settings()),
      CACHE_MAX_BYTES: String(MAX_BYTES),
      CACHE_MAX_AGE: '3600',
    });
    database = await openDatabase(config);
    store = new AnswerStore(database, config);
  });
  afterEach(() => database.deleteFrom('answers').execute());
  afterAll(async () => {
    await database.destroy();
  });

  const put = (question: string, text = question) => store.put(question, 'tree', answer(text));
  const kept = async (): Promise<string[]> =>
    (await database.selectFrom('answers').select('question').orderBy('question').execute()).map(
      ({ question }) => question,
    );
  /** As if it had been made, and used last, so long ago. */
  const age = async (question: string, ms: number) => {
    const then = Date.now() - ms;
    await database
      .updateTable('answers')
      .set({ createdAt: then, usedAt: then })
      .where('question', '=', question)
      .execute();
  };

  it('are found by question and content, as they were', async () => {
    await put('q', 'Hello.');
    expect(await store.find('q', 'tree')).toEqual(JSON.parse(JSON.stringify(answer('Hello.'))));
    expect([await store.find('q', 'other'), await store.find('r', 'tree')]).toEqual([undefined, undefined]);
    expect([await store.has('q'), await store.has('r')]).toEqual([true, false]);
  });

  it('are replaced by later ones', async () => {
    await put('q', 'first');
    await put('q', 'second');
    expect(await store.find('q', 'tree')).toMatchObject({ outcome: { text: 'second' } });
    expect((await store.size()).answers).toBe(1);
  });

  it('are not given any more when they have become too old, and go with the next sweep', async () => {
    for (let n = 0; n < 120; n += 1) {
      await put(`old${n}`);
      await age(`old${n}`, HOUR + 1);
    }
    await put('young');
    await age('young', HOUR - 60_000);
    expect(await store.find('old1', 'tree')).toBeUndefined();
    expect(await store.has('old1')).toBe(false);
    await store.sweep(Date.now());
    expect(await kept()).toEqual(['young']);
  });

  it('stay within their bytes: what was not used for longest goes', async () => {
    const text = 'x'.repeat(1500); // about 3100 bytes each: 20 fit
    for (let n = 10; n < 30; n += 1) {
      await put(`q${n}`, text);
      await age(`q${n}`, (60 - n) * 60_000);
    }
    expect(await kept()).toHaveLength(20);
    expect(await store.find('q10', 'tree')).toBeDefined(); // and used by this
    await put('q30', text);
    expect((await store.size()).bytes).toBeLessThanOrEqual(MAX_BYTES);
    const left = await kept();
    expect(left).toContain('q10');
    expect(left).toContain('q30');
    expect(left).not.toContain('q11');
  });

  it('are not kept when one is too large', async () => {
    expect(await put('q', 'x'.repeat(MAX_BYTES / 16))).toBe(false);
    expect(await kept()).toEqual([]);
  });

  it('keep the contents that their changes lead from and to', async () => {
    const snapshot = (tree: string) => ({ tree, files: 1, bytes: 1, skipped: [] });
    const way = { workspaceId: 'w', before: snapshot('before'), after: snapshot('after') };
    await store.put('q', 'before', answer('Done.', way));
    const log = new SnapshotLog(database);
    expect((await log.named('w')).toSorted()).toEqual(['after', 'before']);
    expect(await log.named('v')).toEqual([]);
  });
});
