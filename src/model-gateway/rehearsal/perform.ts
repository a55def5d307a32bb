/** Carries out the steps of one answer on the wire. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Answer } from './answer.js';
import type { Conversation } from './conversation.js';
import type { Dialect } from './dialect.js';
import { type Fault, STRUCTURED_OUTPUT, type Step } from './step.js';

export interface Stage {
  answer: Answer;
  dialect: Dialect;
  conversation: Conversation;
  response: ServerResponse;
  /** Aborted when the client leaves or the stand-in stops. */
  signal: AbortSignal;
  /** Whether this fault of this answer is still due, for those that happen a number of times. */
  isDue: (index: number, times: number | undefined) => boolean;
}

/** @throws AbortError or a write error when the client leaves first */
export async function perform(steps: readonly Step[], stage: Stage): Promise<void> {
  const { answer, signal } = stage;
  for (const [index, step] of steps.entries()) {
    if (answer.isFull()) break;
    switch (step.kind) {
      case 'text':
        await answer.text(step.text);
        break;
      case 'think':
        await answer.think(step.text);
        break;
      case 'deltas':
        for (let sent = 0; sent < step.count && !answer.isFull(); sent++) {
          if (step.everyMs > 0) await wait(step.everyMs, undefined, { signal });
          await answer.text(filledIn(step.of, sent + 1));
        }
        break;
      case 'tool':
        await answer.tool(step.name, step.input);
        break;
      case 'wait':
        await answer.begin();
        await wait(step.ms, undefined, { signal });
        break;
      case 'usage':
        answer.usage(step);
        break;
      case 'echo-request':
        // Not counted against max_tokens: a request with few of them must be seen whole too.
        await answer.text(JSON.stringify(requestFacts(stage.conversation)), false);
        break;
      case 'expire':
      case 'end':
        break;
      default:
        if (!stage.isDue(index, step.times)) break;
        await fail(step, stage);
        return;
    }
  }
  await answer.end();
}

/** `{n}`: which piece it is, from 1; `{at}`: when it was sent, on the clock that all processes of a host share. */
const filledIn = (text: string, n: number): string =>
  text
    .replaceAll('{n}', String(n))
    .replaceAll('{at}', () => (Number(process.hrtime.bigint()) / 1e6).toFixed(2));

async function fail(fault: Fault, { answer, dialect, response, signal }: Stage): Promise<void> {
  switch (fault.kind) {
    case 'status': {
      refuse(response, dialect, fault.status, `rehearsed ${fault.status}`, fault.retryAfter);
      return;
    }
    case 'hang':
      await once(response, 'close', { signal });
      return;
    case 'cut':
      if (!fault.early) await answer.begin();
      response.destroy();
      return;
    case 'rubbish':
      await answer.begin();
      await answer.write('data: }{ not JSON\n\nevent: content_block_delta\ndata: {"type":"content_blo');
      response.end('\n\n\u0000\n\n');
  }
}

/** An error; once an answer has begun there is no status to give any more, and it is cut. */
export function refuse(
  response: ServerResponse,
  dialect: Dialect,
  status: number,
  message: string,
  retryAfter?: number,
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  });
  response.end(JSON.stringify(dialect.error(status, message)));
}

/** What tests ask about a request: which option had which effect. */
function requestFacts({ request, systemTexts, lastUserText, ...conversation }: Conversation) {
  const schema = request.tools.find(({ name }) => name === STRUCTURED_OUTPUT)?.input_schema;
  return {
    model: request.model,
    max_tokens: request.max_tokens,
    thinking: request.thinking,
    stream: request.stream === true,
    turn: conversation.turn,
    messages: request.messages.filter(({ role }) => role !== 'system').length,
    tools: request.tools.map(({ name }) => name),
    outputSchema: schema,
    user: lastUserText,
    system: systemTexts,
  };
}
