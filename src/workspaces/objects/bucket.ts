/** The bucket: bytes by name. Whatever it answers but the bytes is E012, its own words go to the log. */
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';

/** Bytes that are held back to be sent again, and how many of these at once: 32 MiB for each that stores. */
const PART = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 4;
/** Of one request, and of one stream that breaks off. */
const ATTEMPTS = 3;
/** Milliseconds; longer and it is the same as one that does not answer. */
const CONNECT_MAX = 5000;
/** Seconds. */
const RETRY_AFTER = 10;

/** There is no object of this name. */
export class MissingObject extends Error {
  override readonly name = 'MissingObject';
}

export interface ObjectInfo {
  name: string;
  /** Epoch milliseconds, by the store's clock. */
  modifiedAt: number;
}

@Injectable()
export class Bucket implements OnApplicationShutdown {
  #client?: Promise<S3Client>;

  constructor(private readonly config: Config) {}

  async onApplicationShutdown(): Promise<void> {
    (await this.#client)?.destroy();
  }

  /** Under the name when this resolves, and not there at all before. @throws ClaudeCodeError E012; what the content throws */
  async put(name: string, content: Readable, signal: AbortSignal): Promise<void> {
    const { Upload } = await import('@aws-sdk/lib-storage');
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined);
    content.once('error', failed.reject);
    const upload = new Upload({
      client: await this.#open(),
      params: { ...this.#at(name), Body: content },
      partSize: PART,
      queueSize: PARTS_AT_ONCE,
    });
    const stop = () => void upload.abort();
    signal.addEventListener('abort', stop);
    try {
      await Promise.race([upload.done(), failed.promise]);
    } catch (error) {
      // The content's own error is told as it is: the upload's would only say that it was cut.
      throw content.errored ?? away(error);
    } finally {
      signal.removeEventListener('abort', stop);
      content.destroy();
    }
  }

  /** Bytes from one to before the other; a stream that breaks off is taken up where it was. @throws MissingObject */
  async *read(name: string, from: number, to: number): AsyncGenerator<Buffer, void, void> {
    let at = from;
    for (let attempt = 1; at < to; attempt += 1)
      try {
        for await (const chunk of await this.#get(name, at, to)) {
          at += (chunk as Buffer).length;
          yield chunk as Buffer;
        }
        if (at < to) throw new Error(`${name} ended after ${at} of ${to} bytes`);
      } catch (error) {
        if (error instanceof MissingObject || error instanceof ClaudeCodeError) throw error;
        if (attempt === ATTEMPTS) throw away(error);
      }
  }

  /** All there are, in order of their names. */
  async *list(): AsyncGenerator<ObjectInfo, void, void> {
    const { paginateListObjectsV2 } = await import('@aws-sdk/client-s3');
    const { Bucket, Key } = this.#at('');
    try {
      const pages = paginateListObjectsV2({ client: await this.#open() }, { Bucket, Prefix: Key });
      for await (const { Contents = [] } of pages)
        for (const { Key: key = '', LastModified } of Contents)
          yield {
            name: key.slice(Key.length),
            modifiedAt: LastModified?.getTime() ?? Number.POSITIVE_INFINITY,
          };
    } catch (error) {
      throw away(error);
    }
  }

  /** One by one: not everything that speaks S3 knows how to delete many. */
  async remove(name: string): Promise<void> {
    const { DeleteObjectCommand } = await import('@aws-sdk/client-s3');
    try {
      await (await this.#open()).send(new DeleteObjectCommand(this.#at(name)));
    } catch (error) {
      throw away(error);
    }
  }

  async #get(name: string, from: number, to: number): Promise<Readable> {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    try {
      const client = await this.#open();
      const { Body } = await client.send(
        new GetObjectCommand({ ...this.#at(name), Range: `bytes=${from}-${to - 1}` }),
      );
      // In Node it is always one.
      return Body as Readable;
    } catch (error) {
      if (statusOf(error) === 404 && (error as Error).name !== 'NoSuchBucket') throw new MissingObject(name);
      throw away(error);
    }
  }

  #at(name: string): { Bucket: string; Key: string } {
    const { bucket, prefix } = this.config.bucket ?? { bucket: '', prefix: '' };
    return { Bucket: bucket, Key: prefix === '' ? name : `${prefix}/${name}` };
  }

  /** Nothing of it is loaded before it is needed: most servers have no bucket. */
  #open(): Promise<S3Client> {
    this.#client ??= import('@aws-sdk/client-s3').then(({ S3Client: Client }) => {
      const { values } = this.config;
      const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = values;
      return new Client({
        region: values.S3_REGION,
        endpoint: values.S3_ENDPOINT,
        forcePathStyle: values.S3_PATH_STYLE ?? values.S3_ENDPOINT !== undefined,
        ...(accessKeyId === undefined || secretAccessKey === undefined
          ? {}
          : { credentials: { accessKeyId, secretAccessKey, sessionToken: values.AWS_SESSION_TOKEN } }),
        maxAttempts: ATTEMPTS,
        requestHandler: {
          connectionTimeout: Math.min(CONNECT_MAX, values.S3_TIMEOUT_MS),
          socketTimeout: values.S3_TIMEOUT_MS,
        },
        // Every content is checked by our own hashes; checksums in trailers are not understood everywhere.
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      });
    });
    return this.#client;
  }
}

const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

/** Its name and message alone: the rest of such an error is the request, with what signed it. */
function away(error: unknown): ClaudeCodeError {
  if (error instanceof ClaudeCodeError) return error;
  const { name, message } = error as Error;
  const cause = new Error(`object storage: ${statusOf(error) ?? ''} ${name}: ${message}`);
  return new ClaudeCodeError(
    'E012',
    'The files of the project cannot be reached now; try again in a moment.',
    {
      retryAfter: RETRY_AFTER,
      cause,
    },
  );
}
