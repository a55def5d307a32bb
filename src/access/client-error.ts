/** Answers in the envelope what Node could not read as HTTP, or did not get in time; no route ever sees it. */
import type { Duplex } from 'node:stream';
import { v7 as uuidv7 } from 'uuid';
import { refusal } from '../errors/envelope.js';
import { invalidRequest } from '../errors/to-claude-code-error.js';

/** By the code of Node's error: HTTP has statuses of its own for these, by which proxies and libraries know them. */
const KNOWN: Readonly<Partial<Record<string, { status: string; problem: string }>>> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    problem: 'has headers that are too large',
  },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', problem: 'was not sent in time' },
};
const OTHER = { status: '400 Bad Request', problem: 'is not valid HTTP' };

/** For the `clientError` event of an HTTP server. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Gone, or in the middle of an answer to an earlier request: nothing may be written between.
  if (error.code === 'ECONNRESET' || !socket.writable || hasBegunToAnswer(socket))
    return void socket.destroy();
  const { status, problem } = KNOWN[error.code ?? ''] ?? OTHER;
  const refused = invalidRequest([{ field: 'request', problem }]);
  const body = JSON.stringify(refusal('', refused.toBody()));
  socket.end(
    [
      `HTTP/1.1 ${status}`,
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
