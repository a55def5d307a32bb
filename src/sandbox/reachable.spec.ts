import { chmod, mkdir, mkdtemp, readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isReachable, makePassable, reachableProgram } from './reachable.js';

const STRANGER = 200_777;

describe('reachable', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'caisson-reach-')));
    await mkdir(join(directory, 'private'), { mode: 0o700 });
    await writeFile(join(directory, 'private', 'program'), '#!/bin/sh\necho ran\n', { mode: 0o755 });
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('is a file that the modes of everything above it let through', async () => {
    const program = join(directory, 'private', 'program');
    expect(await isReachable(program, STRANGER)).toBe(false);
    await chmod(directory, 0o711);
    expect(await isReachable(program, STRANGER)).toBe(false);
    await chmod(join(directory, 'private'), 0o711);
    expect(await isReachable(program, STRANGER)).toBe(true);
    await chmod(program, 0o700);
    expect(await isReachable(program, STRANGER)).toBe(false);
    expect(await isReachable(program, (await stat(program)).uid)).toBe(true);
  });

  it('is everything for the server’s own uid', async () => {
    expect(await isReachable(join(directory, 'private', 'program'), undefined)).toBe(true);
  });

  it('is the program itself where it can be reached, and else one copy per version', async () => {
    const program = join(directory, 'private', 'program');
    const data = join(directory, 'data');
    await chmod(directory, 0o711);
    expect(await reachableProgram(program, undefined, data)).toBe(program);
    const copy = await reachableProgram(program, STRANGER, data);
    expect(copy.startsWith(join(data, 'bin', 'program-'))).toBe(true);
    expect(await isReachable(copy, STRANGER)).toBe(true);
    expect(await reachableProgram(program, STRANGER, data)).toBe(copy);
    await rm(program);
    await writeFile(program, 'another', { mode: 0o755 });
    await utimes(program, 1, 1);
    const other = await reachableProgram(program, STRANGER, data);
    expect(await readFile(other, 'utf8')).toBe('another');
    await expect(stat(copy)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('copies a program whose own mode keeps others out', async () => {
    const program = join(directory, 'private', 'program');
    await chmod(directory, 0o711);
    await chmod(program, 0o700);
    const copy = await reachableProgram(program, STRANGER, join(directory, 'data'));
    expect(await isReachable(copy, STRANGER)).toBe(true);
    expect((await stat(program)).mode & 0o777).toBe(0o700);
  });

  it('makes directories that others pass and cannot list, whatever the umask', async () => {
    const before = process.umask(0o077);
    try {
      await makePassable(join(directory, 'a', 'b', 'c'));
    } finally {
      process.umask(before);
    }
    for (const path of ['a', 'a/b', 'a/b/c'])
      expect((await stat(join(directory, path))).mode & 0o777).toBe(0o711);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });
});
