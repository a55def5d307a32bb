/** The database as everybody injects it: Kysely over the tables of `schema.ts`. */
import { type Dialect, Kysely } from 'kysely';
import type { Schema } from './schema.js';

export interface OpenedDatabase {
  dialect: Dialect;
  /** A number that changes whenever another process has written, cheap to ask for; undefined where nobody tells that. */
  foreignChanges?: () => number;
  /** See `Database.serialize`. */
  serialize: (db: Queryable, name: string) => Promise<void>;
}

export class Database extends Kysely<Schema> {
  /** See `OpenedDatabase`. */
  readonly foreignChanges: OpenedDatabase['foreignChanges'];

  /**
   * Lets one transaction after the other go on that names the same, in whichever process: for what is read and then written
   * on the strength of it. To the end of the caller's transaction.
   */
  readonly serialize: OpenedDatabase['serialize'];

  constructor({ dialect, foreignChanges, serialize }: OpenedDatabase) {
    super({ dialect });
    this.foreignChanges = foreignChanges;
    this.serialize = serialize;
  }
}

/** The database or a transaction of it: what a write takes that must be committed together with others. */
export type Queryable = Kysely<Schema>;
