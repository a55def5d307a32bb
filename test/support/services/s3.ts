/** Object storage of one's own: s3rver, which keeps its objects as files. */
import { createRequire } from 'node:module';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { freePort, ownDirectory, Service } from './process.ts';

export interface S3Service {
  service: Service;
  client: S3Client;
  /** Settings of a server whose workspaces are in a bucket of it. */
  settings: { WORKSPACE_STORAGE: string } & NodeJS.ProcessEnv;
}

export const BUCKET = 'workspaces';
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
  const config: S3ClientConfig = {
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: KEY, secretAccessKey: KEY },
  };
  const service = new Service(
    process.execPath,
    // For the continuation of its lists it uses a cipher that OpenSSL 3 has put aside.
    ['--openssl-legacy-provider', '-e', PROGRAM(port, directory)],
    () =>
      fetch(endpoint).then(
        () => true,
        () => false,
      ),
    directory,
  );
  await service.start();
  return {
    service,
    client: new S3Client(config),
    settings: {
      WORKSPACE_STORAGE: `s3://${BUCKET}/some/prefix`,
      S3_ENDPOINT: endpoint,
      AWS_ACCESS_KEY_ID: KEY,
      AWS_SECRET_ACCESS_KEY: KEY,
    },
  };
}
