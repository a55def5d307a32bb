/** Uploads, downloads and clones as a client has them, over HTTP. */
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type { FileList } from '../../src/workspaces/files.dto.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import type { Client } from '../support/client.js';
import { tarGz, zip } from '../support/hostile-archives.js';
import { until } from '../support/processes.js';

const ARCHIVE = tarGz({ name: './src/', type: '5', mode: 0o755 }, { name: './src/a.js', content: 'a' });

/** What is being put into workspaces. */
const stagings = async ({ directory }: Caisson): Promise<string[]> => {
  const names = await readdir(join(directory, 'data', 'stagings'), { recursive: true }).catch(() => []);
  return names.filter((name) => name.includes('.caisson-'));
};

describe('a project over HTTP', () => {
  let caisson: Caisson;
  let client: Client;
  beforeAll(async () => {
    caisson = await startCaisson({
      REQUEST_TIMEOUT_MS: '2000',
      UPLOAD_MAX_BYTES: '100000',
      BODY_MAX_BYTES: '2000',
    });
    client = await caisson.clientOf('ada');
  });
  afterAll(() => caisson.clear());

  const post = (project: string, body: Buffer, type: string, query = '', by = client) =>
    fetch(`${caisson.url}/api/projects/${project}/upload${query}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${by.secret}`, 'content-type': type },
      body: new Uint8Array(body),
    });
  const download = (project: string, query = '', by = client) =>
    fetch(`${caisson.url}/api/projects/${project}/download${query}`, {
      headers: { authorization: `Bearer ${by.secret}` },
    });
  const files = async (project: string) =>
    (await client.get<FileList>(`/api/projects/${project}/files`)).body.items
      .filter(({ type }) => type === 'file')
      .map(({ path }) => path);
  const atWork = async () => (await stagings(caisson)).length > 0;

  it('goes up as a tar.gz or a zip and comes down as either', async () => {
    const up = await post('shop', ARCHIVE, 'application/gzip');
    expect([up.status, await up.json()]).toEqual([200, { files: 1, bytes: 1 }]);
    const down = await download('shop', '?format=zip');
    expect(down.headers.get('content-type')).toBe('application/zip');
    expect(down.headers.get('content-disposition')).toBe('attachment; filename=shop.zip');
    const zipped = Buffer.from(await down.arrayBuffer());
    expect((await post('copy', zipped, 'application/zip', '?path=vendor/shop')).status).toBe(200);
    expect(await files('copy')).toEqual(['vendor/shop/src/a.js']);
    const replaced = zip([{ name: 'only', content: 'x' }]);
    expect((await post('copy', replaced, 'application/zip', '?path=vendor&mode=replace')).status).toBe(200);
    expect(await files('copy')).toEqual(['vendor/only']);
  });

  it('says what is wrong with an upload, and changes nothing', async () => {
    const refused = await post('shop', tarGz({ name: '../x' }), 'application/gzip');
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { success: false, error: { code: 'E004', details: { entry: '"../x"' } } },
    ]);
    for (const [type, query] of [
      ['application/json', ''],
      ['multipart/form-data; boundary=x', ''],
      ['application/gzip', '?path=../x'],
      ['application/gzip', '?mode=other'],
      ['application/gzip', '?unknown=1'],
    ] as const)
      expect([400, 403]).toContain((await post('shop', ARCHIVE, type, query)).status);
    expect((await post('shop', Buffer.alloc(100_001), 'application/gzip')).status).toBe(422);
    expect(await files('shop')).toEqual(['src/a.js']);
  });

  it("is somebody else's business only for whom the key names", async () => {
    const other = await caisson.clientOf('eve');
    const reader = await caisson.clientOf('ada', ['read']);
    expect((await download('shop', '', other)).status).toBe(404);
    expect((await download('nothing')).status).toBe(404);
    expect((await post('shop', ARCHIVE, 'application/gzip', '', reader)).status).toBe(403);
    expect((await post('shop', ARCHIVE, 'application/gzip', '?userId=eve')).status).toBe(403);
    expect(
      (await reader.call('POST', '/api/projects/shop/clone', { url: 'https://github.com/a/b' })).status,
    ).toBe(403);
  });

  it('is not cloned from what is no public repository of a granted host', async () => {
    const clone = (body: object) => client.call('POST', '/api/projects/cloned/clone', body);
    expect(await clone({ url: 'ext::sh -c id' })).toMatchObject({
      status: 400,
      body: { error: { code: 'E003' } },
    });
    expect(await clone({ url: 'https://git.example.org/x' })).toMatchObject({
      status: 403,
      body: { error: { code: 'E006' } },
    });
    expect(await clone({ url: 'https://github.com/a/b', depth: 0 })).toMatchObject({ status: 400 });
    expect(await clone({ url: 'https://github.com/a/b', path: '../x' })).toMatchObject({ status: 403 });
  });

  it('an upload that stands still ends, and one whose client leaves does too', async () => {
    const begin = () => {
      const sent = request(`${caisson.url}/api/projects/slow/upload`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${client.secret}`,
          'content-type': 'application/gzip',
          'content-length': 1000,
        },
      });
      sent.write(ARCHIVE.subarray(0, 30));
      return sent;
    };
    const still = begin();
    const [response] = (await once(still, 'response')) as [{ statusCode: number }];
    expect(response.statusCode).toBe(504);
    still.on('error', () => undefined).destroy();
    const gone = begin();
    gone.on('error', () => undefined);
    await until(atWork);
    gone.destroy();
    await until(async () => !(await atWork()));
    expect(await files('slow')).toEqual([]);
  });

  it('ends other requests that are not sent in time, as before', async () => {
    const sent = request(`${caisson.url}/api/projects/slow/files/f`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${client.secret}`, 'content-length': 1000 },
    });
    sent.write('x');
    const [response] = (await once(sent, 'response')) as [{ statusCode: number }];
    expect(response.statusCode).toBe(408);
    sent.on('error', () => undefined).destroy();
    expect(await files('slow')).toEqual([]);
  });
});

describe('uploads, downloads and clones above TRANSFERS_MAX_CONCURRENT', () => {
  it('are refused with E012 until one of those before has ended', async () => {
    const caisson = await startCaisson({
      TRANSFERS_MAX_CONCURRENT: '2',
      CLONE_HOSTS: 'git.example.org',
    });
    try {
      const { admin, url } = caisson;
      await admin.call('PUT', '/api/projects/other/files/f', 'f');
      const headers = { authorization: `Bearer ${admin.secret}`, 'content-type': 'application/gzip' };
      const begin = (project: string) => {
        const sent = request(`${url}/api/projects/${project}/upload`, { method: 'POST', headers });
        sent.write(ARCHIVE.subarray(0, 30));
        return { sent, answered: once(sent, 'response') as Promise<[{ statusCode: number }]> };
      };
      const underWay = async (count: number) => (await stagings(caisson)).length === count;
      const download = () => admin.get('/api/projects/other/download');

      const [first, second] = [begin('one'), begin('two')];
      await until(() => underWay(2));
      for (const other of [
        download,
        () => admin.call('POST', '/api/projects/other/upload', 'x', { 'content-type': 'application/gzip' }),
        () => admin.call('POST', '/api/projects/other/clone', { url: 'https://git.example.org/x' }),
      ]) {
        const { status, body, headers: told } = await other();
        expect({ status, code: body.error?.code }).toEqual({ status: 503, code: 'E012' });
        expect(Number(told.get('retry-after'))).toBeGreaterThan(0);
      }
      // One that ends well makes room, and so does one whose client leaves.
      first.sent.end(ARCHIVE.subarray(30));
      expect((await first.answered)[0].statusCode).toBe(200);
      expect((await download()).status).toBe(200);
      const third = begin('three');
      await until(() => underWay(2));
      expect((await download()).status).toBe(503);
      second.answered.catch(() => undefined);
      second.sent.on('error', () => undefined).destroy();
      await until(() => underWay(1));
      await until(async () => (await download()).status === 200);
      third.sent.end(ARCHIVE.subarray(30));
      expect((await third.answered)[0].statusCode).toBe(200);
    } finally {
      await caisson.clear();
    }
  });
});
