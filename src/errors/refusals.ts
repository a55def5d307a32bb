/** Announces every refused call, over whatever transport: the audit and the metrics listen, nobody else needs to know. */
import { Injectable, Logger } from '@nestjs/common';
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

@Injectable()
export class Refusals extends Emittery<{ refused: Refusal }> {
  private readonly logger = new Logger(Refusals.name);

  /**
   * Await it before answering, so that a refusal is on record when its caller learns of it. It never rejects: a call is
   * refused also when that cannot be recorded, because the database is away for instance.
   */
  async announce(refusal: Refusal): Promise<void> {
    try {
      await this.emitSerial('refused', refusal);
    } catch (error) {
      this.logger.error({ msg: 'a refusal could not be recorded', err: error });
    }
  }
}
