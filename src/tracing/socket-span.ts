/** The span of a message over socket.io, as a request has one: goes on from the `traceparent` with which its socket was opened. */
import type { IncomingHttpHeaders } from 'node:http';
import { propagation, ROOT_CONTEXT, type Span, SpanKind } from '@opentelemetry/api';
import { inSpan } from './span.js';

/** @param name one of those that are known: what else a client may send is its own, and no part of a trace */
export const inMessageSpan = <T>(
  name: string,
  handshake: IncomingHttpHeaders,
  work: (span: Span) => Promise<T>,
): Promise<T> =>
  inSpan(
    `socket.io ${name}`,
    {
      kind: SpanKind.SERVER,
      // Never of what runs around it: the socket may be older than that, and of another caller's call.
      parent: propagation.extract(ROOT_CONTEXT, handshake),
      attributes: { 'network.protocol.name': 'socket.io', 'caisson.message': name },
    },
    work,
  );
