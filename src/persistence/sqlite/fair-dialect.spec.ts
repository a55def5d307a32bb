import { Kysely, sql } from 'kysely';
import { openSqlite } from './node-sqlite.js';

describe('the one connection', () => {
  let database: Kysely<{ numbers: { value: number } }>;
  beforeEach(async () => {
    database = new Kysely({ dialect: openSqlite(':memory:').dialect });
    await sql`CREATE TABLE numbers (value INTEGER)`.execute(database);
  });
  afterEach(() => database.destroy());

  const count = async () => (await database.selectFrom('numbers').selectAll().execute()).length;

  it('is had in the order in which it was asked for, and by nobody inside another one’s transaction', async () => {
    const order: string[] = [];
    const transaction = database.transaction().execute(async (inside) => {
      await inside.insertInto('numbers').values({ value: 1 }).execute();
      await new Promise((resolve) => setImmediate(resolve));
      await inside.insertInto('numbers').values({ value: 2 }).execute();
      order.push('transaction');
    });
    const seen = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        const found = await count();
        order.push(name);
        return found;
      }),
    );
    await transaction;
    expect(order).toEqual(['transaction', 'a', 'b', 'c']);
    expect(seen).toEqual([2, 2, 2]);
  });

  it('is given back by what fails, and rolled back', async () => {
    const failing = database.transaction().execute(async (inside) => {
      await inside.insertInto('numbers').values({ value: 1 }).execute();
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await expect(sql`SELECT nonsense`.execute(database)).rejects.toThrow();
    expect(await count()).toBe(0);
  });

  it('answers rows as plain objects, with the columns that the table has now', async () => {
    await database.insertInto('numbers').values({ value: 7 }).execute();
    expect(await database.selectFrom('numbers').selectAll().execute()).toStrictEqual([{ value: 7 }]);
    await sql`ALTER TABLE numbers ADD COLUMN word TEXT DEFAULT 'seven'`.execute(database);
    expect(await database.selectFrom('numbers').selectAll().execute()).toStrictEqual([
      { value: 7, word: 'seven' },
    ]);
  });
});
