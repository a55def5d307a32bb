/** Object storage of one's own: s3rver, which keeps its objects as files. */
import { createRequire } from 'node:module';
import { S3Client } from '@aws-sdk/client-s3';
import { freePort, ownDirectory, Service } from './process.ts';

export interface S3Service {
  /** What answers: without it the store is away, and what it holds is kept. */
  service: Service;
  client: S3Client;
  /** Settings of a server whose workspaces are in a bucket of it. */
  settings: { WORKSPACE_STORAGE: string } & NodeJS.ProcessEnv;
  /** Ends it for good, with all it holds. */
  remove(): Promise<void>;
}

export const BUCKET = 'workspaces';
export const PREFIX = 'some/prefix';
const KEY = 'S3RVER';

/**
 * Signatures are not judged: it takes those of requests to a bucket as such for wrong, whose path the SDK ends with a slash.
 */
const PROGRAM = (port: number, directory: string) => `
  const S3rver = require(${JSON.stringify(createRequire(process.cwd() + '/package.json').resolve('@20minutes/s3rver'))});
  new S3rver({
    port: ${port}, address: '127.0.0.1', directory: ${JSON.stringify(directory)}, silent: true,
    allowMismatchedSignatures: true, configureBuckets: [{ name: '${BUCKET}' }],
  }).run();`;

export async function startS3(): Promise<S3Service> {
  const port = await freePort();
  const directory = await ownDirectory('s3');
  const endpoint = `http://127.0.0.1:${port}`;
  const service = new Service(
    process.execPath,
    // For the continuation of its lists it uses a cipher that OpenSSL 3 has put aside.
    ['--openssl-legacy-provider', '-e', PROGRAM(port, directory)],
    () => answersHttp(endpoint),
    directory,
  );
  await service.start();
  const store = s3At(endpoint, KEY, KEY);
  return {
    ...store,
    service,
    async remove() {
      store.client.destroy();
      await service.remove();
    },
  };
}

/** How tests, and servers by their settings, speak with a store. */
export const s3At = (
  endpoint: string,
  accessKeyId: string,
  secretAccessKey: string,
): Pick<S3Service, 'client' | 'settings'> => ({
  client: new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  }),
  settings: {
    WORKSPACE_STORAGE: `s3://${BUCKET}/${PREFIX}`,
    S3_ENDPOINT: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  },
});

export const answersHttp = (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  );
