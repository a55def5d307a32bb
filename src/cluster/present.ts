/** Which processes are there, as every statement asks: what one holds or runs counts as long as it is not given up for lost. */
import type { Queryable } from '../persistence/database.js';

/** Their ids; to be asked by itself, or within another statement. */
export const presentProcesses = (db: Queryable) =>
  db.selectFrom('processes').select('id').where('lostAt', 'is', null);
