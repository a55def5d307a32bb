/** The log: pino behind Nest's LoggerService, so that `new Logger(Name)` of Nest writes here. */
import { Injectable, type LoggerService } from '@nestjs/common';
import { type DestinationStream, type Level, type Logger, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';
import { Config } from '../config/config.js';
import { currentTraceId } from '../tracing/span.js';
import { logContext } from './log-context.js';
import { lineRedactor } from '../redaction/redact-line.js';
import { printableLine, visibleLine } from './readable-lines.js';

/** What the framework says of its own start: sixty lines that tell an operator nothing. */
const FRAMEWORK = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

@Injectable()
export class Log implements LoggerService {
  private readonly pino: Logger;

  /**
   * @param destination where lines go instead of standard output: for tests
   * @param forPeople the destination shows texts as they are, to somebody at a terminal
   */
  constructor(config: Config, destination?: DestinationStream, forPeople = isForPeople(config, destination)) {
    const redacted = lineRedactor(config.secrets);
    const shown = forPeople ? printableLine : visibleLine;
    this.pino = pino(
      {
        level: config.values.LOG_LEVEL,
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        mixin: () => ({ ...logContext.getStore(), traceId: currentTraceId() }),
        redact: {
          paths: [
            '*.authorization',
            '*["x-api-key"]',
            '*.cookie',
            'headers.authorization',
            'headers["x-api-key"]',
            'headers.cookie',
          ],
          censor: '[redacted]',
        },
        hooks: { streamWrite: (line) => shown(redacted(line)) },
      },
      destination ?? standardOutput(forPeople),
    );
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.write('info', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  /**
   * Nest puts the context last. `new Logger('Name').error({ executionId, err }, 'what happened')` gives fields and a
   * message; `.error('what happened', stack)` is Nest's own way.
   */
  private write(level: Level, message: unknown, rest: unknown[]): void {
    const strings = rest.filter((part) => typeof part === 'string');
    const context = strings.pop();
    const [text] = strings;
    if (level === 'info' && context !== undefined && FRAMEWORK.has(context)) {
      this.write('debug', message, rest);
      return;
    }
    if (message instanceof Error) this.pino[level]({ context, err: message }, text ?? message.message);
    else if (typeof message === 'object' && message !== null) this.pino[level]({ context, ...message }, text);
    else
      this.pino[level](
        { context, stack: text, err: rest.find((part) => part instanceof Error) },
        String(message),
      );
  }
}

/** People at a terminal get readable lines; everything else gets JSON, one object a line. */
const isForPeople = (config: Config, destination?: DestinationStream): boolean =>
  destination === undefined && !config.production && process.stdout.isTTY;

/** Synchronous both ways: the last lines before an exit are the ones that matter. */
const standardOutput = (forPeople: boolean): DestinationStream =>
  forPeople
    ? pretty({ sync: true, colorize: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' })
    : survivingDestination();

/** Bytes of lines that are kept for a log that cannot be written; what comes after them is dropped. */
const KEPT_BYTES = 1024 * 1024;

/** A log on a full disk, or whose reader has gone, is no reason to end every execution: it goes on when it can. */
function survivingDestination(): DestinationStream {
  const destination = pino.destination({ fd: 1, sync: true, maxLength: KEPT_BYTES });
  return destination.on('error', () => undefined); // nobody is left who could be told
}
