/** Brings the database to this version's schema; refuses one that is newer than this version. */
import type { KyselyPlugin } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { Database, Queryable } from './database.js';
import * as initial from './migrations/0001-initial.js';
import * as auditAnchors from './migrations/0002-audit-anchors.js';
import * as egress from './migrations/0003-egress.js';
import * as waitingWorkspaces from './migrations/0004-waiting-workspaces.js';
import * as longHistories from './migrations/0005-long-histories.js';
import * as snapshots from './migrations/0006-snapshots.js';
import * as batches from './migrations/0007-batches.js';
import * as answers from './migrations/0008-answers.js';
import * as conversations from './migrations/0009-conversations.js';
import * as dispatch from './migrations/0011-dispatch.js';
import * as leases from './migrations/0012-leases.js';
import * as traces from './migrations/0013-traces.js';
import * as objects from './migrations/0014-objects.js';
import * as economy from './migrations/0015-economy.js';

const MIGRATIONS: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-audit-anchors': auditAnchors,
  '0003-egress': egress,
  '0004-waiting-workspaces': waitingWorkspaces,
  '0005-long-histories': longHistories,
  '0006-snapshots': snapshots,
  '0007-batches': batches,
  '0008-answers': answers,
  '0009-conversations': conversations,
  '0011-dispatch': dispatch,
  '0012-leases': leases,
  '0013-traces': traces,
  '0014-objects': objects,
  '0015-economy': economy,
};

/**
 * Several processes may do it at once: one after the other gets the lock, and finds nothing to do.
 * @param plugins what the engine needs to understand the migrations
 * @throws Error when a migration fails, or when the database holds a migration this version does not know
 */
export async function migrate(database: Database, ...plugins: KyselyPlugin[]): Promise<void> {
  const db = plugins.reduce((plugged: Queryable, plugin) => plugged.withPlugin(plugin), database);
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(MIGRATIONS) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined)
    throw new Error('the database could not be brought to this version', { cause: error });
}
