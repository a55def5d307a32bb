/** Which endpoint of the batches does wrong, and how often: a prompt in them says so, `poll-fault=overloaded*2`. */
import type { IncomingMessage } from 'node:http';

const ENDPOINTS = ['create', 'poll', 'results'] as const;
type Endpoint = (typeof ENDPOINTS)[number];

/** Of one batch: the fault of each endpoint, and how often it is still due. */
type Wrongs = Partial<Record<Endpoint, { fault: string; left: number }>>;

export class WrongBatches {
  /** By the first `custom_id` in it: it is the same when the batch is sent again. */
  private readonly byItem = new Map<string, Wrongs>();
  private readonly byBatch = new Map<string, Wrongs>();

  /** The fault that is due for this request; undefined when none is. */
  due({ method, url = '' }: IncomingMessage, body: string): string | undefined {
    const [, id, part] = /^\/v1\/messages\/batches(?:\/(\w+)(?:\/(\w+))?)?$/.exec(url) ?? [];
    const endpoint = ENDPOINTS.find((one) => one === (part ?? (id === undefined ? 'create' : 'poll')));
    if (endpoint === undefined || (endpoint === 'create') !== (method === 'POST')) return undefined;
    const wrong = (id === undefined ? this.ofBody(body) : this.byBatch.get(id))?.[endpoint];
    if (wrong === undefined || wrong.left === 0) return undefined;
    wrong.left -= 1;
    return wrong.fault;
  }

  /** @param answer what the service said of a batch that it has taken */
  taken(body: string, answer: string): void {
    const id = /"id":"(msgbatch_\w+)"/.exec(answer)?.[1];
    if (id !== undefined) this.byBatch.set(id, this.ofBody(body));
  }

  private ofBody(body: string): Wrongs {
    const item = /"custom_id":"([\w-]+)"/.exec(body)?.[1] ?? '';
    const known = this.byItem.get(item);
    if (known !== undefined) return known;
    const wrongs: Wrongs = {};
    for (const endpoint of ENDPOINTS) {
      const found = new RegExp(`${endpoint}-fault=([\\w-]+)(?:\\*(\\d+))?`).exec(body);
      if (found?.[1] !== undefined)
        wrongs[endpoint] = { fault: found[1], left: Number(found[2] ?? Number.POSITIVE_INFINITY) };
    }
    this.byItem.set(item, wrongs);
    return wrongs;
  }
}
