/** Clones a repository into an empty directory: fetched first, then looked through as git knows it, only then checked out. */
import { isUtf8 } from 'node:buffer';
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Failure } from './failure.mts';
import { type Git, gitIn } from './git.mts';
import { fromUtf8, onDisk } from './names.mts';
import { workspacePathProblem } from './path-rule.mts';
import { place } from './placing.mts';
import type { Placing, TreeLimits } from './protocol.mts';
import { refused, targetProblem } from './staged-tree.mts';
import { withStaging } from './staging.mts';
import { targetDirectory } from './unpack.mts';
import { countEntries, walk } from './walk.mts';

export interface CloneOptions extends Placing {
  url: string;
  /** Branch, tag or whole commit id; the server's own choice without. */
  ref?: string;
  /** Commits of history; all without. */
  depth?: number;
  /** Certificates, as PEM, that are trusted besides the system's. */
  certificates?: string;
  limits: TreeLimits;
}

export interface Cloned {
  commit: string;
  /** Branch or tag; the commit where it was asked for by its id. */
  ref: string;
  files: number;
  /** Of the files that were checked out; the history comes on top. */
  bytes: number;
}

const SYSTEM_CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const CERTIFICATES = '/tmp/certificates.pem';
const COMMIT = /^[0-9a-f]{40}$/;
/** Bytes of all link targets of a repository: they are read into memory. */
const TARGETS_MAX_BYTES = 4 * 1024 * 1024;
const TARGET_MAX_BYTES = 4095;

/** @throws Failure E003, E004 what it holds; E009 what git cannot get; E010; E015; the workspace is as it was then */
export async function clone(options: CloneOptions): Promise<Cloned> {
  const { staging, into, limits } = options;
  const target = targetDirectory(into);
  mustBeEmpty(target);
  return withStaging(staging, async () => {
    const tree = `${staging}/tree`;
    const directory = target === '' ? tree : `${tree}/${fromUtf8(target)}`;
    mkdirSync(onDisk(directory), { recursive: true });
    const run = gitIn(directory, { maxFileBytes: limits.maxBytes, ...certificatesOf(options) });
    const commit = await fetched(run, options);
    const { files, bytes } = await looked(run, commit, target, limits);
    await run('reset', '--quiet', '--hard', commit);
    if (sizeOf(tree) > limits.maxBytes)
      throw new Failure('E015', `the repository with its history is more than ${limits.maxBytes} bytes`);
    const branch = await run('rev-parse', '--abbrev-ref', 'HEAD');
    place(staging, fromUtf8(target), 'merge');
    return { commit, ref: options.ref ?? branch.toString().trim(), files, bytes };
  });
}

function mustBeEmpty(target: string): void {
  if (!existsSync(onDisk(fromUtf8(target)))) return;
  if (countEntries(fromUtf8(target), 1) > 0)
    throw new Failure('E010', 'the directory is not empty: clone into another one by `path`');
}

function certificatesOf({ certificates }: CloneOptions): { certificates?: string } {
  if (certificates === undefined) return {};
  const system = existsSync(SYSTEM_CERTIFICATES) ? readFileSync(SYSTEM_CERTIFICATES, 'utf8') : '';
  writeFileSync(CERTIFICATES, `${system}\n${certificates}`);
  return { certificates: CERTIFICATES };
}

/** Gets the objects, checks nothing out, and tells the commit that was asked for. */
async function fetched(run: Git, { url, ref, depth }: CloneOptions): Promise<string> {
  const isCommit = ref !== undefined && COMMIT.test(ref);
  const shallow = depth === undefined ? [] : ['--depth', String(depth), '--no-single-branch'];
  const named = ref === undefined || isCommit ? [] : ['--branch', ref];
  await run('clone', '--quiet', '--no-checkout', '--template=', ...shallow, ...named, '--', url, '.');
  if (isCommit) {
    await run('fetch', '--quiet', ...shallow.slice(0, 2), 'origin', ref);
    await run('update-ref', '--no-deref', 'HEAD', ref);
  }
  try {
    return (await run('rev-parse', '--quiet', '--verify', 'HEAD^{commit}')).toString().trim();
  } catch {
    throw new Failure('E009', 'the repository holds no commit there');
  }
}

/** Looks through the commit's tree without checking it out: what is in it by the rules of uploads, and how much. */
async function looked(
  run: Git,
  commit: string,
  into: string,
  limits: TreeLimits,
): Promise<{ files: number; bytes: number }> {
  let entries = 0;
  let files = 0;
  let bytes = 0;
  const links: { name: string; object: string; depth: number }[] = [];
  let targetBytes = 0;
  await run.records(['ls-tree', '-r', '-t', '-l', '-z', '--full-tree', commit], (record) => {
    const tab = record.indexOf(0x09);
    const [mode, type, object = '', size] = record.subarray(0, tab).toString('latin1').split(/ +/);
    const raw = record.subarray(tab + 1);
    const name = raw.toString();
    if (!isUtf8(raw)) throw refused(name, 'E003', 'has a name that is not UTF-8');
    const problem = workspacePathProblem(name);
    if (problem !== undefined) throw refused(name, problem.code, problem.reason);
    const depth = name.split('/').length + (into === '' ? 0 : into.split('/').length);
    if (depth > limits.maxDepth)
      throw refused(name, 'E015', `lies deeper than ${limits.maxDepth} directories`);
    if ((entries += 1) > limits.maxEntries)
      throw new Failure('E015', `there are more than ${limits.maxEntries} entries`);
    if (type !== 'blob') return;
    files += 1;
    bytes += Number(size);
    if (bytes > limits.maxBytes) throw refused(name, 'E015', `makes it more than ${limits.maxBytes} bytes`);
    if (mode !== '120000') return;
    if (Number(size) > TARGET_MAX_BYTES) throw refused(name, 'E003', 'is a link whose target is no path');
    if ((targetBytes += Number(size)) > TARGETS_MAX_BYTES)
      throw new Failure('E015', 'there are too many links');
    links.push({ name, object, depth: depth - 1 });
  });
  const targets = await run.blobs(links.map(({ object }) => object));
  for (const [index, { name, depth }] of links.entries()) {
    const problem = targetProblem(targets[index]?.toString() ?? '', depth);
    if (problem !== undefined) throw refused(name, problem.code, problem.reason);
  }
  return { files, bytes };
}

function sizeOf(directory: string): number {
  let bytes = 0;
  walk(
    directory,
    { maxEntries: Infinity },
    { entry: (name) => (bytes += lstatSync(onDisk(name), { throwIfNoEntry: false })?.size ?? 0) },
  );
  return bytes;
}
