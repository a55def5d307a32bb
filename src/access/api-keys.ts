/** The API keys: made, listed, revoked, and turned into the principal behind them. */
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { Database, type Queryable } from '../persistence/database.js';
import { HeldKeys } from './held-keys.js';
import { KnownPrincipals } from './known-principals.js';
import type { Page, PageQuery } from './page.js';
import { type Principal, type Scope, SCOPES } from './principal.js';
import { hashOf, isPlausible, makeSecret, prefixOf, sameHash } from './secret.js';

/** Whoever counts the admin keys in order to act on it: two replicas would each take the other's for the one that stays. */
const ADMINS = 'admin keys';

export interface ApiKey {
  /** UUIDv7. */
  id: string;
  /** First characters of the secret. */
  prefix: string;
  userId: string;
  name: string;
  scopes: Scope[];
  /** Epoch milliseconds. */
  createdAt: number;
  revokedAt?: number;
}

export type NewApiKey = Pick<ApiKey, 'userId' | 'name' | 'scopes'>;

@Injectable()
export class ApiKeys {
  private readonly known: KnownPrincipals;

  constructor(
    private readonly database: Database,
    private readonly config: Config,
    private readonly held: HeldKeys,
  ) {
    this.known = new KnownPrincipals(database);
  }

  /**
   * A revocation takes effect with the next call; one by hand in the database within 50 ms.
   * @throws ClaudeCodeError E007 when there is no such key, or it is revoked
   */
  async authenticate(secret: string): Promise<Principal> {
    const hash = hashOf(isPlausible(secret) ? secret : '');
    const principal = await this.known.of(hash, () => this.principalOf(hash));
    if (principal === undefined) throw new ClaudeCodeError('E007', 'A valid API key is needed.');
    return principal;
  }

  /** @returns the key, and its secret, which is nowhere to be had again */
  async create(
    key: NewApiKey,
    secret = makeSecret(),
    db: Queryable = this.database,
  ): Promise<ApiKey & { secret: string }> {
    const made = { ...key, id: uuidv7(), prefix: prefixOf(secret), createdAt: Date.now() };
    await db
      .insertInto('apiKeys')
      .values({ ...made, scopes: JSON.stringify(key.scopes), hash: hashOf(secret), revokedAt: null })
      .execute();
    return { ...made, secret };
  }

  /** Newest first, revoked ones too. */
  async list({ limit, cursor }: PageQuery): Promise<Page<ApiKey>> {
    const rows = await this.database
      .selectFrom('apiKeys')
      .select(['id', 'prefix', 'userId', 'name', 'scopes', 'createdAt', 'revokedAt'])
      .$if(cursor !== undefined, (query) => query.where('id', '<', cursor ?? ''))
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    const items = rows.slice(0, limit).map(({ scopes, revokedAt, ...row }) => ({
      ...row,
      scopes: parseScopes(scopes),
      ...(revokedAt === null ? {} : { revokedAt }),
    }));
    return { items, ...(rows.length > limit ? { nextCursor: items.at(-1)?.id } : {}) };
  }

  /**
   * Revoking twice is harmless.
   * @throws ClaudeCodeError E009 when there is no such key; E010 when it is the last that may make others
   */
  async revoke(id: string): Promise<void> {
    await this.database.transaction().execute(async (transaction) => {
      await this.database.serialize(transaction, ADMINS);
      const key = await transaction
        .selectFrom('apiKeys')
        .select('revokedAt')
        .where('id', '=', id)
        .executeTakeFirst();
      if (key === undefined) throw new ClaudeCodeError('E009', 'Not found.');
      if (key.revokedAt !== null) return;
      const admins = await activeAdmins(transaction);
      if (admins.length === 1 && admins[0] === id)
        throw new ClaudeCodeError(
          'E010',
          'This is the last key with the scope admin: make another one first.',
        );
      await transaction.updateTable('apiKeys').set({ revokedAt: Date.now() }).where('id', '=', id).execute();
    });
    this.known.forget();
    this.held.revoked(id);
  }

  /**
   * Makes sure that somebody can get in: the key of BOOTSTRAP_API_KEY, or one made up when there is no admin key.
   * @returns the secret that was made up, to be shown once; undefined when there was nothing to make up
   */
  bootstrap(): Promise<string | undefined> {
    return this.database.transaction().execute(async (transaction) => {
      await this.database.serialize(transaction, ADMINS);
      const first: NewApiKey = { userId: 'admin', name: 'bootstrap', scopes: [...SCOPES] };
      const given = this.config.values.BOOTSTRAP_API_KEY;
      if (given === undefined) {
        const admins = await activeAdmins(transaction);
        return admins.length > 0 ? undefined : (await this.create(first, undefined, transaction)).secret;
      }
      // A key that was revoked stays revoked, whatever the setting says.
      const known = await transaction
        .selectFrom('apiKeys')
        .select('id')
        .where('hash', '=', hashOf(given))
        .executeTakeFirst();
      if (known === undefined) await this.create(first, given, transaction);
      return undefined;
    });
  }

  private async principalOf(hash: string): Promise<Principal | undefined> {
    const row = await this.database
      .selectFrom('apiKeys')
      .select(['id', 'userId', 'scopes', 'hash'])
      .where('hash', '=', hash)
      .where('revokedAt', 'is', null)
      .executeTakeFirst();
    return row !== undefined && sameHash(row.hash, hash)
      ? { keyId: row.id, userId: row.userId, scopes: parseScopes(row.scopes) }
      : undefined;
  }
}

const parseScopes = (json: string): Scope[] => JSON.parse(json) as Scope[];

async function activeAdmins(db: Queryable): Promise<string[]> {
  const rows = await db
    .selectFrom('apiKeys')
    .select('id')
    .where('revokedAt', 'is', null)
    .where('scopes', 'like', '%"admin"%')
    .execute();
  return rows.map(({ id }) => id);
}
