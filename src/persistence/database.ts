/** The database as everybody injects it: Kysely over the tables of `schema.ts`. */
import { Kysely } from 'kysely';
import type { Schema } from './schema.js';

export class Database extends Kysely<Schema> {}

/** The database or a transaction of it: what a write takes that must be committed together with others. */
export type Queryable = Kysely<Schema>;
