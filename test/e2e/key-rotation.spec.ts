/** docs/OPERATIONS.md, "Key rotation", done: nobody who calls meanwhile sees an error. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RehearsalModel } from '../../src/model-gateway/rehearsal/rehearsal-model.js';
import { startCaisson } from '../support/caisson.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { Client } from '../support/client.js';
import { endsOf, startCluster } from '../support/cluster.js';

describe('keys are changed without a pause', () => {
  it('of callers: the new one is made and used before the old one is revoked', async () => {
    const caisson = await startCaisson();
    try {
      const { admin, url } = caisson;
      const make = async () => {
        const asked = { userId: 'alice', name: 'web', scopes: ['run', 'read'] };
        return (await admin.call<{ id: string; secret: string }>('POST', '/api/keys', asked)).body;
      };
      const old = await make();
      const before = new Client(url, old.secret);
      const { id } = await before.submit({ action: 'generate', prompt: '@deltas 20 every 50ms of "{n} "' });
      const following = numbersUntilCut(before, id);
      await before.firstEvent(id, 'agent.text');

      const after = new Client(url, (await make()).secret);
      expect((await after.execution(id)).userId).toBe('alice');
      expect((await before.execution(id)).id).toBe(id);
      await admin.call('DELETE', `/api/keys/${old.id}`);

      expect((await before.get('/api/executions')).status).toBe(401);
      expect((await after.ended(id)).status).toBe('succeeded');
      // What the old key held open was ended with it, and the new one goes on after its last number.
      const seen = await following;
      const rest = (await after.history(id, seen.at(-1))).map(({ seq }) => seq);
      expect([...seen, ...rest]).toEqual([...seen, ...rest].map((_, index) => index + 1));
      expect(rest.length).toBeGreaterThan(0);
    } finally {
      await caisson.clear();
    }
  });

  it("of the model's service: workers with the new one come before those with the old one go", async () => {
    const model = new RehearsalModel();
    const { url } = await model.start();
    const directory = await temporaryDirectory();
    const cluster = await startCluster({ ANTHROPIC_BASE_URL: url, SHUTDOWN_GRACE: '20' });
    const keyFile = join(directory, 'key');
    const start = async (role: 'api' | 'worker', key: string) => {
      await writeFile(keyFile, `${key}\n`);
      return cluster.start(role, { ANTHROPIC_API_KEY_FILE: keyFile });
    };
    try {
      const api = await start('api', 'sk-the-old-key');
      const old = await start('worker', 'sk-the-old-key');
      const submit = async (projectId: string, prompt: string) =>
        (await api.admin.submit({ action: 'generate', prompt, metadata: { projectId } })).id;
      const long = await submit('long', '@deltas 60 every 50ms of "{n} "\n@text end');
      await api.admin.firstEvent(long, 'agent.text');

      const next = await start('worker', 'sk-the-new-key');
      old.signal('SIGTERM');
      const ids = [long, ...(await Promise.all([1, 2, 3].map((n) => submit(`p${n}`, `@text ${n}`))))];
      expect(await old.exited).toMatchObject({ code: 0 });
      ids.push(await submit('last', '@text last'));
      expect(await endsOf(api.admin, ids)).toEqual(ids.map(() => 'succeeded'));
      expect(next.output()).not.toContain('sk-the-new-key');
      const keys = model.requests.map(({ headers }) => headers['x-api-key']);
      expect(new Set(keys)).toEqual(new Set(['sk-the-old-key', 'sk-the-new-key']));
      expect(keys.at(-1)).toBe('sk-the-new-key');
    } finally {
      await cluster.stop();
      await model.stop();
    }
  });
});

async function numbersUntilCut(client: Client, id: string): Promise<number[]> {
  const numbers: number[] = [];
  try {
    for await (const { seq } of client.events(id)) numbers.push(seq);
  } catch (error) {
    if ((error as Error).message !== 'terminated') throw error; // what `fetch` says of a connection that was closed
  }
  return numbers;
}
