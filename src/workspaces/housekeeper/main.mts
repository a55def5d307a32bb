/**
 * The housekeeper: does one operation on the files of one workspace, inside a sandbox, as the workspace's user. It is
 * plain Node, with the few packages that `housekeeper-program.ts` puts beside it for archives.
 */
import { collect } from './collect.mts';
import { compare } from './compare.mts';
import { copy, drop } from './copy.mts';
import { evict } from './evict.mts';
import { asFailure } from './failure.mts';
import { list, missing, read, remove } from './files.mts';
import { dieAfter, recover } from './journal.mts';
import { shown } from './names.mts';
import type { Answer, Hidden, Request } from './protocol.mts';
import { receive } from './receive.mts';
import { send } from './send.mts';
import { takeSnapshot, transitTo } from './snapshot.mts';
import { discard } from './staging.mts';
import { loadTree } from './tree.mts';
import { countEntries, hide } from './walk.mts';
import { write } from './write.mts';

/** Up to which number the entries of a left-out directory are counted. */
const COUNTED_MAX = 100_000;

function say(line: Answer | object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** The first line of the input as a request, and what follows it. */
async function hear(): Promise<{ request: Request & Hidden; content: AsyncIterable<Buffer> }> {
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

/**
 * What needs packages or programs that nothing else does is loaded when it is asked for: a tenth of the start, which
 * whoever lists files would wait for.
 */
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
    case 'snapshot': {
      const { hash, files, bytes, skipped, read: count } = takeSnapshot(request, request.copy);
      const counted = skipped.map((name) => ({
        path: shown(name),
        entries: request.count === true ? countEntries(name, COUNTED_MAX) : 0,
      }));
      return say({ ok: true, tree: hash, files: files.size, bytes, skipped: counted, read: count });
    }
    case 'changes': {
      const lines = compare(loadTree(request.before), loadTree(request.after), request.contentMaxBytes);
      say({ ok: true });
      return lines.forEach(say);
    }
    case 'export': {
      const { exportChanges } = await import('./export.mts');
      return exportChanges(
        loadTree(request.before),
        loadTree(request.after),
        () => say({ ok: true }),
        process.stdout,
      );
    }
    case 'transit': {
      const { lines, stayed } = transitTo(request);
      say({ ok: true, stayed });
      return lines.forEach(say);
    }
    case 'recover':
      dieAfter(request.dieAt ?? Number.POSITIVE_INFINITY);
      return say({ ok: true, recovered: recover() });
    case 'copy':
      copy(request.copy, request);
      return say({ ok: true });
    case 'drop':
      drop(request.copy);
      return say({ ok: true });
    case 'collect':
      return say({ ok: true, ...collect(request.named, request.graceMs) });
    case 'unpack': {
      const { unpack } = await import('./unpack.mts');
      return say({ ok: true, ...(await unpack(request, content)) });
    }
    case 'pack': {
      const { pack } = await import('./pack.mts');
      return pack(request, () => say({ ok: true }), process.stdout);
    }
    case 'clone': {
      const { clone } = await import('./clone.mts');
      return say({ ok: true, ...(await clone(request)) });
    }
    case 'discard':
      request.stagings.forEach(discard);
      return say({ ok: true });
    case 'send':
      return send(request, (same) => say({ ok: true, same }), process.stdout);
    case 'receive': {
      const answer = await receive(request, content, (ranges) => say({ ok: true, ranges }));
      return say({ ok: true, ...answer });
    }
    case 'evict':
      evict();
      return say({ ok: true });
  }
}

const { request, content } = await hear();
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
