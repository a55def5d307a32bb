/** Object storage that many run in earnest: a Ceph of one monitor and one disk in memory, with its gateway for S3. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { missingPrograms } from '../debian.ts';
import { freePort, ownDirectory, Service } from './process.ts';
import { answersHttp, BUCKET, PREFIX, type S3Service, s3At } from './s3.ts';

const run = promisify(execFile);

/** Whose the bucket is, and who is let in. */
const OWNER = 'owner';
const SERVER = 'server';

/** What a server needs, and no more: as docs/OPERATIONS.md has it. */
const POLICY = {
  Version: '2012-10-17',
  Statement: [
    allow(
      ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
      `${BUCKET}/${PREFIX}/*`,
    ),
    allow(['s3:ListBucket'], BUCKET),
  ],
};

function allow(actions: string[], resource: string) {
  return {
    Effect: 'Allow',
    Principal: { AWS: [`arn:aws:iam:::user/${SERVER}`] },
    Action: actions,
    Resource: [`arn:aws:s3:::${resource}`],
  };
}

/** The cluster's own, each with a key that may do everything. */
const ENTITIES = ['client.admin', 'client.gateway', 'osd.0'];

/** Why there can be no Ceph here; undefined when there can. */
export const missingForCeph = (): string | undefined =>
  missingPrograms({ radosgw: ['radosgw'], 'ceph-mon': ['ceph-mon'], 'ceph-osd': ['ceph-osd'] });

/** Takes some fifteen seconds: every pool that the gateway makes is agreed on by the others first. */
export async function startCeph(): Promise<S3Service> {
  const directory = await ownDirectory('ceph');
  const [monitorPort, port] = [await freePort(), await freePort()];
  const cluster = randomUUID();
  const disk = randomUUID();
  const file = (name: string) => join(directory, name);
  const common = ['-c', file('ceph.conf')];
  await writeFile(file('ceph.conf'), configuration(directory, cluster, monitorPort));
  await Promise.all(['mon', 'osd'].map((name) => mkdir(file(name))));
  await makeKeys(file('keyring'));
  const address = `[v2:127.0.0.1:${monitorPort}]`;
  await run('monmaptool', ['--create', '--addv', 'a', address, '--fsid', cluster, file('monmap')]);
  await run('ceph-mon', [...common, '-i', 'a', '--mkfs', '--monmap', file('monmap')]);
  const monitor = new Service(
    'ceph-mon',
    [...common, '-i', 'a', '-f'],
    () => listens(monitorPort),
    file('mon'),
  );
  await monitor.start();
  await run('ceph', [...common, 'osd', 'new', disk]);
  await run('ceph-osd', [...common, '-i', '0', '--mkfs', '--osd-uuid', disk]);
  const storage = new Service('ceph-osd', [...common, '-i', '0', '-f'], () => isUp(common), file('osd'));
  await storage.start();
  const secret = randomUUID();
  for (const name of [OWNER, SERVER]) {
    const user = [
      `--uid=${name}`,
      `--display-name=${name}`,
      `--access-key=${name}`,
      `--secret-key=${secret}`,
    ];
    await run('radosgw-admin', [...common, 'user', 'create', ...user]);
  }
  const endpoint = `http://127.0.0.1:${port}`;
  const gateway = new Service(
    'radosgw',
    [...common, '-n', 'client.gateway', '-f', `--rgw-frontends=beast endpoint=127.0.0.1:${port}`],
    () => answersHttp(endpoint),
    directory,
  );
  await gateway.start();
  const { client: owner } = s3At(endpoint, OWNER, secret);
  await owner.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await owner.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy: JSON.stringify(POLICY) }));
  owner.destroy();
  const store = s3At(endpoint, SERVER, secret);
  return {
    ...store,
    service: gateway,
    async remove() {
      store.client.destroy();
      // The gateway's directory, which holds the others', last.
      for (const service of [storage, monitor, gateway]) await service.remove();
    },
  };
}

/** One copy of everything, in memory, on loopback addresses, and no word of it outside its directory. */
const configuration = (directory: string, cluster: string, monitorPort: number): string => `
[global]
fsid = ${cluster}
mon host = v2:127.0.0.1:${monitorPort}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = ${directory}/keyring
mon data = ${directory}/mon
osd data = ${directory}/osd
run dir = ${directory}
crash dir = ${directory}
log file =
admin socket =
mon allow pool size one = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = ${4 * 1024 ** 3}
`;

async function makeKeys(keyring: string): Promise<void> {
  const all = ['--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *'];
  await run('ceph-authtool', ['--create-keyring', keyring, '--gen-key', '-n', 'mon.', ...all]);
  for (const name of ENTITIES) await run('ceph-authtool', [keyring, '--gen-key', '-n', name, ...all]);
}

async function isUp(common: readonly string[]): Promise<boolean> {
  const { stdout } = await run('ceph', [...common, 'osd', 'stat', '--format', 'json']);
  return (JSON.parse(stdout) as { num_up_osds: number }).num_up_osds === 1;
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
