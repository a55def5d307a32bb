import type { Database } from '../persistence/database.js';
import { KnownPrincipals } from './known-principals.js';
import type { Principal } from './principal.js';

const ALICE: Principal = { keyId: '1', userId: 'alice', scopes: ['read'] };

describe('KnownPrincipals', () => {
  let asked: number;
  let known: KnownPrincipals;
  beforeEach(() => {
    asked = 0;
    known = new KnownPrincipals({ foreignChanges: () => 0 } as Database);
  });
  const ask = (answer: Principal | undefined, during = () => undefined as void) =>
    known.of('hash', async () => {
      asked += 1;
      await Promise.resolve();
      during();
      return answer;
    });

  it('asks once for a key that there is, and each time for one that there is not', async () => {
    expect([await ask(undefined), await ask(undefined), asked]).toEqual([undefined, undefined, 2]);
    expect([await ask(ALICE), await ask(ALICE), asked]).toEqual([ALICE, ALICE, 3]);
  });

  it('asks again after any key was revoked', async () => {
    await ask(ALICE);
    known.forget();
    expect(await ask(undefined)).toBeUndefined();
  });

  it('does not remember what was read before a revocation and came after it', async () => {
    await ask(ALICE, () => known.forget());
    expect(await ask(undefined)).toBeUndefined();
  });

  it('forgets the one it learnt first when they are too many', async () => {
    await ask(ALICE);
    for (let count = 0; count < 1000; count += 1)
      await known.of(`other-${count}`, () => Promise.resolve(ALICE));
    await ask(ALICE);
    expect(asked).toBe(2);
  });
});
