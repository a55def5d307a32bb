/** One tenant who asks for more than his share: he is refused, and another one does not notice. */
import { Database } from '../../src/persistence/database.js';
import { type Caisson, startCaisson } from '../support/caisson.js';

const LIMIT = 20;
const ASKED = 1000;
/** Requests under way at once: each is two descriptors of this process, which is both ends. */
const AT_ONCE = 100;

describe('a thousand executions of one tenant', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    // Behind a proxy, so that the two tenants have addresses of their own.
    caisson = await startCaisson({
      CLAUDE_CODE_MAX_CONCURRENT: '2',
      RATE_LIMIT_REQUESTS: String(LIMIT),
      RATE_LIMIT_WINDOW_MS: '600000',
      TRUST_PROXY: '1',
    });
  });
  afterAll(() => caisson.clear());

  it('[R12] are refused with 429 above his share, and another tenant is served in between', async () => {
    const [greedy, modest] = [await caisson.clientOf('greedy'), await caisson.clientOf('modest')];
    const request = { action: 'generate', prompt: '@deltas 20 every 20ms' } as const;
    const statuses: number[] = [];
    let left = ASKED;
    const flood = Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) {
        const { status, body, headers } = await greedy.call('POST', '/api/executions', request, {
          'x-forwarded-for': '192.0.2.1',
        });
        statuses.push(status);
        if (status === 202) continue;
        expect({ status, code: body.error?.code }).toEqual({ status: 429, code: 'E002' });
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      }
    });
    const served = await modest.run(request, { 'x-forwarded-for': '192.0.2.2' });
    await Promise.all(flood);
    expect(served).toMatchObject({ status: 200, body: { success: true } });
    expect(statuses.filter((status) => status === 202)).toHaveLength(LIMIT);
    expect(statuses).toHaveLength(ASKED);

    const executions = await caisson.app
      .get(Database)
      .selectFrom('executions')
      .select(['userId', 'startedAt'])
      .execute();
    const of = (user: string) => executions.filter(({ userId }) => userId === user);
    const [{ startedAt } = { startedAt: null }] = of('modest');
    expect(of('greedy')).toHaveLength(LIMIT);
    // Two places, and turns: one ahead in each of them when it came, and one whose turn it was.
    const ahead = of('greedy').filter(
      (other) => other.startedAt !== null && other.startedAt < (startedAt ?? 0),
    );
    expect(ahead.length).toBeLessThanOrEqual(3);
  });
});
