/** Asks one question again and again over some kept connections, for a time; tells how often it was answered. */
import { Pool } from 'undici';

export interface LoadOrder {
  url: string;
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body?: string;
  connections: number;
}

const order = JSON.parse(process.argv[2] ?? '') as LoadOrder;
const pool = new Pool(order.url, { connections: order.connections });

async function ask(): Promise<void> {
  const { statusCode, body } = await pool.request(order);
  await body.dump();
  if (statusCode >= 300) throw new Error(`answered with ${statusCode}`);
}

process.on('message', ({ forMs }: { forMs?: number }) => {
  if (forMs === undefined) return;
  const begun = performance.now();
  let answered = 0;
  const caller = async () => {
    for (; performance.now() - begun < forMs; answered += 1) await ask();
  };
  Promise.all(Array.from({ length: order.connections }, caller)).then(
    () => process.send?.({ answered, ms: performance.now() - begun }),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
