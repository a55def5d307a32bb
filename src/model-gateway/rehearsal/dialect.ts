/** A wire format as the stand-in speaks it. */
import type { ServerResponse } from 'node:http';
import type { Answer, AnswerOptions } from './answer.js';
import type { RehearsalRequest } from './conversation.js';

export interface Dialect {
  /** True of the paths (without query) that it answers. */
  answers(path: string): boolean;
  /** True of those that count the tokens of a request and say nothing. */
  counts(path: string): boolean;
  /** What is asked, whoever asks it. @throws Error when it is no such request */
  read(body: unknown, path: string): RehearsalRequest;
  answer(response: ServerResponse, options: AnswerOptions, path: string): Answer;
  count(tokens: number): object;
  error(status: number, message: string): object;
}
