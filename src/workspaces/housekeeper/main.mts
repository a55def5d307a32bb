/**
 * The housekeeper: does one operation on the files of one workspace, inside a sandbox, as the workspace's user. It is
 * plain Node, with the few packages that `housekeeper-program.ts` puts beside it for archives, and runs from these sources
 * as well as from what is built of them.
 */
import { clone } from './clone.mts';
import { compare } from './compare.mts';
import { asFailure, Failure } from './failure.mts';
import { list, missing, read, remove } from './files.mts';
import { shown } from './names.mts';
import type { Answer, Hidden, Request } from './protocol.mts';
import { scan } from './scan.mts';
import { discard } from './staging.mts';
import { forget, loadLatest, loadMark, saveManifest } from './store.mts';
import { unpack } from './unpack.mts';
import { countEntries, hide } from './walk.mts';
import { write } from './write.mts';

/** Up to which number the entries of a left-out directory are counted. */
const COUNTED_MAX = 100_000;

function say(line: Answer | object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** The first line of the input as a request, and what follows it. */
async function receive(): Promise<{ request: Request & Hidden; content: AsyncIterable<Buffer> }> {
  const input: AsyncIterator<Buffer, undefined> = process.stdin[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  for (let end = -1; end < 0; end = head.indexOf('\n')) {
    const { value, done } = await input.next();
    if (done === true) throw new Error('the request ended before its line');
    head = Buffer.concat([head, value]);
  }
  const end = head.indexOf('\n');
  const rest = head.subarray(end + 1);
  async function* content(): AsyncGenerator<Buffer> {
    if (rest.length > 0) yield rest;
    yield* { [Symbol.asyncIterator]: () => input };
  }
  // The server's own words: it is the only one who can write here.
  return { request: JSON.parse(head.subarray(0, end).toString()) as Request & Hidden, content: content() };
}

async function serve(request: Request, content: AsyncIterable<Buffer>): Promise<void> {
  switch (request.op) {
    case 'list': {
      const entries = list(request.maxEntries);
      say({ ok: true });
      return entries.forEach(say);
    }
    case 'read':
      return read(request.path, (size) => say({ ok: true, size }), process.stdout);
    case 'write':
      return say({ ok: true, ...(await write(request.path, content, request.maxBytes)) });
    case 'remove':
      remove(request.path);
      return say({ ok: true });
    case 'missing':
      return say({ ok: true, missing: missing(request.paths) });
    case 'mark': {
      const { manifest, read: count } = scan({ ...request, known: loadLatest() });
      saveManifest(request.mark, manifest);
      return say({ ok: true, read: count });
    }
    case 'changes': {
      const before = loadMark(request.mark);
      if (before === undefined) throw new Failure('E009', 'no such mark');
      const { manifest, skipped } = scan({ ...request, known: loadLatest() });
      saveManifest(undefined, manifest);
      const counted = skipped.map((name) => ({
        path: shown(name),
        entries: countEntries(name, COUNTED_MAX),
      }));
      say({ ok: true, skipped: counted });
      return compare(before, manifest, request.contentMaxBytes).forEach(say);
    }
    case 'forget':
      forget(request.mark);
      return say({ ok: true });
    case 'unpack':
      return say({ ok: true, ...(await unpack(request, content)) });
    case 'pack': {
      // Packages that nothing else needs: whoever lists files does not wait for them.
      const { pack } = await import('./pack.mts');
      return pack(request, () => say({ ok: true }), process.stdout);
    }
    case 'clone':
      return say({ ok: true, ...(await clone(request)) });
    case 'discard':
      request.stagings.forEach(discard);
      return say({ ok: true });
  }
}

const { request, content } = await receive();
hide(request.hidden);
try {
  await serve(request, content);
} catch (error) {
  const failure = asFailure(error);
  if (failure === undefined) throw error;
  const { code, message, details } = failure;
  say({ ok: false, code, message, details });
}
// Not before everything is written, and not later because the server still holds our input open.
process.stdout.end(() => process.exit());
