/** Answers in the envelope what Node could not read as HTTP, or did not get in time; no route ever sees it. */
import type { Duplex } from 'node:stream';
import { v7 as uuidv7 } from 'uuid';
import { refusal } from '../errors/envelope.js';
import { invalidRequest } from '../errors/to-claude-code-error.js';

/** By the code of Node's error. */
const PROBLEM: Readonly<Partial<Record<string, string>>> = {
  HPE_HEADER_OVERFLOW: 'has headers that are too large',
  ERR_HTTP_REQUEST_TIMEOUT: 'was not sent in time',
};

/** For the `clientError` event of an HTTP server. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Gone, or in the middle of an answer to an earlier request: nothing may be written between.
  if (error.code === 'ECONNRESET' || !socket.writable || hasBegunToAnswer(socket))
    return void socket.destroy();
  const refused = invalidRequest([
    { field: 'request', problem: PROBLEM[error.code ?? ''] ?? 'is not valid HTTP' },
  ]);
  const body = JSON.stringify(refusal('', refused.toBody()));
  socket.end(
    [
      `HTTP/1.1 ${refused.status} Bad Request`,
      'Connection: close',
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${uuidv7()}`,
      '',
      body,
    ].join('\r\n'),
  );
}

const hasBegunToAnswer = (socket: Duplex): boolean => 'bytesWritten' in socket && socket.bytesWritten !== 0;
