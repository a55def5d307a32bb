/** One of several processes whose workspaces are in a bucket: sandboxes, copies and a lease of its own, one database for all. */
import { randomUUID } from 'node:crypto';
import Emittery from 'emittery';
import { NOW } from '../../src/persistence/postgres/sql.js';
import { DatabaseLease } from '../../src/workspaces/database-lease.js';
import { Bucket } from '../../src/workspaces/objects/bucket.js';
import { Copies } from '../../src/workspaces/objects/copies.js';
import { ObjectStorage } from '../../src/workspaces/objects/object-storage.js';
import { Versions } from '../../src/workspaces/objects/versions.js';
import { workspaceGround, type WorkspaceGround } from './workspace-ground.js';

export interface ObjectGround extends WorkspaceGround {
  /** As the others know it. */
  processId: string;
  bucket: Bucket;
  versions: Versions;
}

/** @param settings with those of the bucket and the database */
export async function objectGround(settings: NodeJS.ProcessEnv): Promise<ObjectGround> {
  const processId = randomUUID();
  const parts = Promise.withResolvers<Pick<ObjectGround, 'bucket' | 'versions'>>();
  const ground = await workspaceGround(
    // Nothing here goes over Redis.
    { REDIS_URL: 'redis://127.0.0.1:1', S3_TIMEOUT_MS: '2000', ...settings },
    {
      lease: async (database) => {
        const row = { id: processId, startedAt: NOW, seenAt: NOW };
        await database.insertInto('processes').values(row).execute();
        return new DatabaseLease(database, { id: processId, events: new Emittery() });
      },
      storage: async ({ database, housekeeping, registry, config }) => {
        const [bucket, versions] = [new Bucket(config), new Versions(database)];
        parts.resolve({ bucket, versions });
        return new ObjectStorage(bucket, versions, await Copies.open(config), housekeeping, registry, config);
      },
    },
  );
  const { bucket, versions } = await parts.promise;
  return {
    ...ground,
    processId,
    bucket,
    versions,
    clear: async () => {
      await bucket.onApplicationShutdown();
      await ground.clear();
    },
  };
}
