/**
 * Plays the service's batch endpoint: takes batches, carries out each request as if it had come alone, keeps the results.
 * Shapes as in the reference, https://platform.claude.com/docs/en/api/messages/batches (create, retrieve, results, cancel).
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { Conversation, messagesRequest } from './conversation.js';
import { messagesDialect } from './messages-dialect.js';
import { refuse } from './perform.js';
import { parseScript } from './script.js';

const PATH = '/v1/messages/batches';
/** Milliseconds, as the service documents them. */
const LIVES = 24 * 60 * 60 * 1000;
/** Requests of one batch that are carried out at once. */
const AT_ONCE = 16;
/** Batches that are remembered; older ones are forgotten. */
const REMEMBERED = 100;

const batchRequest = z.object({
  requests: z
    .array(
      z.object({
        custom_id: z.string().regex(/^[\w-]{1,64}$/),
        params: messagesRequest.refine(({ stream }) => stream !== true, 'stream is not supported'),
      }),
    )
    .min(1)
    .max(100_000)
    .refine(
      (all) => new Set(all.map(({ custom_id }) => custom_id)).size === all.length,
      'custom_id must be unique',
    ),
});

type Result = 'succeeded' | 'errored' | 'canceled' | 'expired';

interface Batch {
  id: string;
  createdAt: Date;
  endedAt?: Date;
  cancelledAt?: Date;
  total: number;
  results: { custom_id: string; result: { type: Result } & Record<string, unknown> }[];
  cancel: AbortController;
}

export class RehearsalBatches {
  private readonly batches = new Map<string, Batch>();

  constructor(private readonly stopping: AbortSignal) {}

  /** False when the request is none for batches, and is left alone. */
  answers(request: IncomingMessage, response: ServerResponse, body: unknown): boolean {
    const { method, url = '', headers } = request;
    const [path = ''] = url.split('?', 1);
    if (!path.startsWith(PATH)) return false;
    const base = `http://${headers.host ?? 'localhost'}`;
    const [id, part] = path.slice(PATH.length + 1).split('/');
    if (method === 'POST' && id === '') this.create(response, body, base);
    else this.ofOne(this.batches.get(id ?? ''), `${method} ${part ?? ''}`, response, base);
    return true;
  }

  private create(response: ServerResponse, body: unknown, base: string): void {
    const parsed = batchRequest.safeParse(body);
    if (!parsed.success) return refuse(response, messagesDialect, 400, parsed.error.message);
    const batch: Batch = {
      id: `msgbatch_${randomBytes(12).toString('hex')}`,
      createdAt: new Date(),
      total: parsed.data.requests.length,
      results: [],
      cancel: new AbortController(),
    };
    this.batches.set(batch.id, batch);
    const oldest = this.batches.keys().next().value;
    if (this.batches.size > REMEMBERED && oldest !== undefined) this.batches.delete(oldest);
    tell(response, viewOf(batch, base));
    void this.carryOut(batch, parsed.data.requests, base);
  }

  private ofOne(batch: Batch | undefined, what: string, response: ServerResponse, base: string): void {
    if (batch === undefined) return refuse(response, messagesDialect, 404, 'no such batch');
    switch (what) {
      case 'GET ':
        return tell(response, viewOf(batch, base));
      case 'GET results':
        if (batch.endedAt === undefined)
          return refuse(response, messagesDialect, 400, 'the batch has not ended');
        response.writeHead(200, { 'content-type': 'application/x-jsonl' });
        response.end(batch.results.map((line) => `${JSON.stringify(line)}\n`).join(''));
        return;
      case 'POST cancel':
        if (batch.endedAt !== undefined) return refuse(response, messagesDialect, 400, 'the batch has ended');
        batch.cancelledAt ??= new Date();
        batch.cancel.abort();
        return tell(response, viewOf(batch, base));
      default:
        return refuse(response, messagesDialect, 404, `no such path: ${what}`);
    }
  }

  private async carryOut(
    batch: Batch,
    requests: z.infer<typeof batchRequest>['requests'],
    base: string,
  ): Promise<void> {
    const signal = AbortSignal.any([batch.cancel.signal, this.stopping]);
    const rest = requests.values();
    const worker = async () => {
      for (const { custom_id, params } of rest) {
        const result = isExpiring(params) ? { type: 'expired' as const } : await ask(base, params, signal);
        // The last that is done comes first: nobody shall rely on the order of the requests.
        batch.results.unshift({ custom_id, result });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    batch.endedAt = new Date();
  }
}

const isExpiring = (params: z.infer<typeof messagesRequest>): boolean =>
  parseScript(new Conversation(params).prompt)?.some((steps) =>
    steps.some(({ kind }) => kind === 'expire'),
  ) === true;

/** Of the stand-in itself, over its own socket. */
async function ask(
  base: string,
  params: object,
  signal: AbortSignal,
): Promise<Batch['results'][number]['result']> {
  try {
    const answer = await fetch(`${base}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(params),
      signal,
    });
    const said: unknown = await answer.json();
    return answer.ok ? { type: 'succeeded', message: said } : { type: 'errored', error: said };
  } catch {
    if (signal.aborted) return { type: 'canceled' };
    return {
      type: 'errored',
      error: { type: 'error', error: { type: 'api_error', message: 'Internal server error' } },
    };
  }
}

/** Until it has ended, all of it is told as being processed. */
function viewOf({ id, createdAt, endedAt, cancelledAt, total, results }: Batch, base: string) {
  const count = (type: Result) =>
    endedAt === undefined ? 0 : results.filter(({ result }) => result.type === type).length;
  const running = cancelledAt === undefined ? 'in_progress' : 'canceling';
  return {
    id,
    type: 'message_batch',
    processing_status: endedAt === undefined ? running : 'ended',
    request_counts: {
      processing: endedAt === undefined ? total : 0,
      succeeded: count('succeeded'),
      errored: count('errored'),
      canceled: count('canceled'),
      expired: count('expired'),
    },
    created_at: createdAt.toISOString(),
    expires_at: new Date(createdAt.getTime() + LIVES).toISOString(),
    ended_at: endedAt?.toISOString() ?? null,
    cancel_initiated_at: cancelledAt?.toISOString() ?? null,
    archived_at: null,
    results_url: endedAt === undefined ? null : `${base}${PATH}/${id}/results`,
  };
}

function tell(response: ServerResponse, view: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(view));
}
