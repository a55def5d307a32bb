/** Packs that no truth needs: of earlier versions, of what was sent and never became the truth. */
import { Injectable, Logger } from '@nestjs/common';
import { Bucket } from './bucket.js';
import { Versions } from './versions.js';

/**
 * Milliseconds for which every pack stays: far above the time between its last byte and the commit that needs it, and above
 * what two clocks may differ.
 */
const GRACE = 60 * 60 * 1000;
/** Milliseconds between two sweeps of one process: each lists the whole bucket, and lists cost money. */
const EVERY = 60 * 60 * 1000;

@Injectable()
export class Orphans {
  readonly #logger = new Logger('ObjectStorage');
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly bucket: Bucket,
    private readonly versions: Versions,
  ) {}

  /** Answers how many were removed. Whoever is just fetching one of them finds it missing, and looks for the newer version. */
  async sweep(now: number, stopped: () => boolean): Promise<number> {
    if (now - this.#sweptAt < EVERY) return 0;
    this.#sweptAt = now;
    const old: string[] = [];
    for await (const { name, modifiedAt } of this.bucket.list()) if (modifiedAt < now - GRACE) old.push(name);
    // Asked for afterwards: what was old before this and becomes needed now is not possible.
    const needed = await this.versions.needed();
    let removed = 0;
    for (const name of old) {
      if (needed.has(name)) continue;
      if (stopped()) break;
      await this.bucket.remove(name);
      removed += 1;
    }
    if (removed > 0) this.#logger.log({ msg: 'packs that nobody needs were removed', removed });
    return removed;
  }
}
