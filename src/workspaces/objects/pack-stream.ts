/** A pack on its way to the bucket: passed on as it is, until its footer has been seen and its maker is known to be well. */
import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';

/** As `send.mts` ends a pack: the footer, and its length in hexadecimal digits. */
const LENGTH_CHARS = 8;
/** Bytes: some packs with their names. */
const FOOTER_MAX = 16 * 1024;

const FOOTER = z.object({
  manifest: z.object({ at: z.number(), bytes: z.number(), hash: z.string().regex(/^[0-9a-f]{64}$/) }),
  packs: z.array(z.string().regex(/^[\w-]{1,80}$/)),
  bytes: z.number(),
});

export class PackStream extends Transform {
  #end = Buffer.alloc(0);

  /** @param mustBeWhole throws when the housekeeper has failed: its part of a pack must not look like one */
  constructor(private readonly mustBeWhole: () => Promise<void>) {
    super();
  }

  get footer(): z.infer<typeof FOOTER> {
    const text = this.#end.toString('latin1');
    const length = Number.parseInt(text.slice(-LENGTH_CHARS), 16);
    return FOOTER.parse(JSON.parse(text.slice(-LENGTH_CHARS - length, -LENGTH_CHARS)));
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    const end = chunk.length >= FOOTER_MAX ? chunk : Buffer.concat([this.#end, chunk]);
    this.#end = Buffer.from(end.subarray(-FOOTER_MAX));
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    this.mustBeWhole().then(() => done(), done);
  }
}
