/** Announces every refused call, over whatever transport: the audit and the metrics listen, nobody else needs to know. */
import { Injectable } from '@nestjs/common';
import Emittery from 'emittery';
import type { ErrorCode } from './catalogue.js';

export interface Refusal {
  code: ErrorCode;
  /** What was asked for: `POST /api/keys`, or the name of a socket event. Without the query. */
  action: string;
  requestId: string;
  remoteAddress: string;
  /** Known once the caller is authenticated. */
  keyId?: string;
  userId?: string;
}

/** Announce with `emitSerial('refused', …)` before answering, so that a refusal is on record when its caller learns of it. */
@Injectable()
export class Refusals extends Emittery<{ refused: Refusal }> {}
