/** Paths that try to leave the workspace: refused, or an ordinary name inside it; never anything outside. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileList } from '../../src/workspaces/files.dto.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import type { Client } from '../support/client.js';
import { refusalOf } from '../support/envelope.js';
import { rawCall } from '../support/raw-http.js';

const FILES = '/api/projects/default/files';

type Row = [what: string, path: string, codes: string[]];

const CLIMBING: Row[] = [
  ['dots', `${FILES}/../../../secret`, ['E004']],
  ['dots on the way', `${FILES}/src/../../secret`, ['E004']],
  ['dots that end inside', `${FILES}/src/../inside.txt`, ['E004']],
];

const ENCODED: Row[] = [
  ['encoded dots', `${FILES}/%2e%2e%2f%2e%2e%2fsecret`, ['E004']],
  ['encoded dots, one by one', `${FILES}/%2e%2e/%2e%2e/secret`, ['E004']],
  ['dots with a mark of their own case', `${FILES}/.%2E/.%2E/secret`, ['E004']],
  ['backslashes', `${FILES}/..\\..\\secret`, ['E004']],
  ['encoded backslashes', `${FILES}/..%5c..%5csecret`, ['E004']],
  ['overlong UTF-8', `${FILES}/%c0%ae%c0%ae/secret`, ['E003']],
  ['a broken escape', `${FILES}/%zz`, ['E003']],
];

const ABSOLUTE: Row[] = [
  ['an absolute path', `${FILES}//etc/passwd`, ['E003', 'E004']],
  ['an encoded absolute path', `${FILES}/%2fetc%2fpasswd`, ['E004']],
  ['a drive', `${FILES}/C:%5cboot.ini`, ['E004']],
];

const CHARACTERS: Row[] = [
  ['an encoded lone surrogate', `${FILES}/%ed%a0%80`, ['E003']],
  ['a NUL', `${FILES}/a%00.png`, ['E003']],
  ['a newline', `${FILES}/a%0ab`, ['E003']],
  ['a carriage return', `${FILES}/a%0d%0aSet-Cookie:x`, ['E003']],
  ['a delete character', `${FILES}/a%7f`, ['E003']],
  ['a right-to-left override', `${FILES}/gpj%e2%80%aeexe`, ['E003']],
  ['an empty part', `${FILES}/a//b`, ['E003']],
  ['a lone dot', `${FILES}/%2e`, ['E003']],
  ['a name of 5000 characters', `${FILES}/${'x'.repeat(5000)}`, ['E003']],
  ['a path of 10 000 characters', `${FILES}/${'x/'.repeat(4999)}x`, ['E003']],
];

const PROJECTS: Row[] = [
  ['a project that climbs', '/api/projects/../files/x', ['E009', 'E003']],
  ['an encoded project that climbs', '/api/projects/%2e%2e/files/x', ['E003']],
  ['a project with a NUL', '/api/projects/a%00/files/x', ['E003']],
];

/** Strange, and yet names: nothing decodes them a second time. */
const NAMES = [
  ['decoded twice', '..%252f..%252fsecret', '..%2f..%2fsecret'],
  ['three dots', '...', '...'],
  ['a leading dash', '--help', '--help'],
  ['a command', '%3b touch x;$(touch y)`touch z`'.replaceAll(' ', '%20'), '; touch x;$(touch y)`touch z`'],
  ['a glob', '*', '*'],
  ['quotes', `it's%20%22q%22`, `it's "q"`],
  ['a variable', '$HOME', '$HOME'],
  ['a tilde', '~', '~'],
  ['an emoji', '%f0%9f%a6%80', '🦀'],
] as const;

describe('file paths', () => {
  let caisson: Caisson;
  let alice: Client;
  beforeAll(async () => {
    caisson = await startCaisson();
    alice = await caisson.clientOf('alice');
    // What a path that climbs would meet.
    await writeFile(join(caisson.directory, 'secret'), 'the secret');
    await writeFile(join(caisson.directory, 'data', 'secret'), 'the secret');
    await alice.call('PUT', `${FILES}/inside.txt`, 'inside');
  });
  afterAll(() => caisson.clear());

  const names = async () => (await alice.get<FileList>(FILES)).body.items.map(({ path }) => path);

  const expectRefused = async (_: string, path: string, codes: string[]) => {
    const before = [await readdir(caisson.directory), await readdir(join(caisson.directory, 'data'))];
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await rawCall(alice, method, path, method === 'PUT' ? 'planted' : undefined);
      expect(codes).toContain(refusalOf(answer).code);
    }
    expect([await readdir(caisson.directory), await readdir(join(caisson.directory, 'data'))]).toEqual(
      before,
    );
  };

  it.each(CLIMBING)('[P01] a path that climbs: %s', expectRefused);
  it.each(ENCODED)('[P02] a path that climbs in disguise: %s', expectRefused);
  it.each(ABSOLUTE)('[P03] an absolute path: %s', expectRefused);
  it.each(CHARACTERS)('[P04] a path of characters or lengths that no name has: %s', expectRefused);
  it.each(PROJECTS)('[P20] a project that is a path: %s', expectRefused);

  it('[P21] paths that were refused have made and removed nothing', async () => {
    expect(await names()).toEqual(['inside.txt']);
  });

  it.each(NAMES)('[P22] a strange name is a name like any other: %s', async (_, sent, name) => {
    const path = `${FILES}/${sent}`;
    expect((await rawCall(alice, 'PUT', path, 'mine')).status).toBe(201);
    expect(await names()).toEqual([name, 'inside.txt'].sort());
    expect(await rawCall(alice, 'GET', path)).toMatchObject({ status: 200, body: 'mine' });
    expect((await rawCall(alice, 'DELETE', path)).status).toBe(204);
    expect(await names()).toEqual(['inside.txt']);
  });

  it('[P23] a path that climbs is not followed by a JSON body either', async () => {
    const answer = await rawCall(alice, 'PUT', `${FILES}/../x.json`, '{"a":1}', {
      'content-type': 'application/json',
    });
    expect(refusalOf(answer).code).toBe('E004');
  });

  it('[P24] JSON put as a file stays as it is, however the route is written', async () => {
    const text = '{ "a" :1 }';
    for (const route of ['/api/projects', '/API/Projects']) {
      const path = `${route}/default/files/x.json`;
      await rawCall(alice, 'PUT', path, text, { 'content-type': 'application/json' });
      expect((await rawCall(alice, 'GET', path)).body).toBe(text);
    }
    await alice.call('DELETE', `${FILES}/x.json`);
  });

  it('[P25] a page put as a file never runs in the origin of the service', async () => {
    const path = `${FILES}/page.html`;
    await rawCall(alice, 'PUT', path, '<script>alert(1)</script>', { 'content-type': 'text/html' });
    const { headers } = await rawCall(alice, 'GET', path);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': expect.stringMatching(/^attachment/),
      'x-content-type-options': 'nosniff',
    });
    await alice.call('DELETE', path);
  });
});
