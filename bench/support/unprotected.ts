/** The parts of a launcher that let everything through. They are the benchmark's: the product has no switch for it. */
import type * as Bpf from '../../src/sandbox/bubblewrap/seccomp/bpf.js';
import type { Launcher } from '../../src/sandbox/bubblewrap/launch.js';
import { built } from './paths.ts';

/** SECCOMP_RET_ALLOW of linux/seccomp.h. */
const ALLOW = 0x7fff_0000;

export async function unprotected(): Promise<Pick<Launcher, 'filter' | 'limiter'>> {
  const { answer, assemble } = await built<typeof Bpf>('sandbox/bubblewrap/seccomp/bpf.js');
  return {
    filter: assemble([answer(ALLOW)]),
    limiter: {
      means: 'watching',
      confine: () =>
        Promise.resolve({
          entrances: [],
          entered: () => undefined,
          exceeded: () => Promise.resolve(undefined),
          giveWay: () => Promise.resolve(),
          release: () => Promise.resolve(),
        }),
      holds: () => Promise.resolve(true),
      close: () => Promise.resolve(),
    },
  };
}
