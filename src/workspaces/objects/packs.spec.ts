/** Which packs a version goes on with: few of them, and little in them that nobody needs. */
import { staysOf } from '../housekeeper/send.mts';

const KIB = 1024;
const pack = (name: string, bytes: number, all = bytes) => ({ pack: name, bytes, all });

describe('packs', () => {
  it('stay as long as half of what is in them is needed', () => {
    expect([...staysOf([pack('a', 500, 1000), pack('b', 499, 1000), pack('c', 0, 0)])]).toEqual(['a', 'c']);
  });

  it('are never many, and what is sent again for that is little beside what stays', () => {
    let packs = [pack('first', 1024 * KIB)];
    let again = 0;
    const pushes = 500;
    for (let push = 1; push <= pushes; push += 1) {
      const staying = staysOf(packs);
      const moved = packs
        .filter(({ pack: name }) => !staying.has(name))
        .reduce((sum, { bytes }) => sum + bytes, 0);
      again += moved;
      packs = [...packs.filter(({ pack: name }) => staying.has(name)), pack(`push-${push}`, KIB + moved)];
      expect(packs.length).toBeLessThanOrEqual(16);
    }
    expect(staysOf(packs).has('first')).toBe(true);
    // Each kilobyte is sent a few times in all, not with each of the pushes that follow it.
    expect(again / (pushes * KIB)).toBeLessThan(4);
  });
});
