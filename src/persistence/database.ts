/** The database as everybody injects it: Kysely over the tables of `schema.ts`. */
import { type Dialect, Kysely } from 'kysely';
import type { Schema } from './schema.js';

export interface OpenedDatabase {
  dialect: Dialect;
  /** A number that changes whenever another process has written. It is cheap, and waits for nobody. */
  foreignChanges: () => number;
}

export class Database extends Kysely<Schema> {
  readonly foreignChanges: OpenedDatabase['foreignChanges'];

  constructor({ dialect, foreignChanges }: OpenedDatabase) {
    super({ dialect });
    this.foreignChanges = foreignChanges;
  }
}

/** The database or a transaction of it: what a write takes that must be committed together with others. */
export type Queryable = Kysely<Schema>;
