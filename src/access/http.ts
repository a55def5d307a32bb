/** What every HTTP request passes before a route sees it, in this order; call it before `app.init()` or `app.listen()`. */
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import helmet from 'helmet';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { structureProblem } from '../errors/json-text.js';
import { BATCH_MAX_VALUES, MAX_VALUES } from '../errors/plain-json.js';
import { invalidRequest } from '../errors/to-claude-code-error.js';
import { StrictValidationPipe } from '../errors/validation.pipe.js';
import { Log } from '../logging/log.js';
import { requestLog } from '../logging/request-log.js';
import { httpSpan } from '../tracing/http-span.js';
import { ApiKeys } from './api-keys.js';
import { secretOf } from './auth.guard.js';
import { answerClientError } from './client-error.js';
import { boundConnections } from './connections.js';
import { dropBehindRefused, refuseAmbiguousHttp } from './plain-http.js';
import { Throttle } from './throttle.js';

/** Outside the prefix `/api`. */
const ROOT_ROUTES = ['health/live', 'health/ready', 'health/startup', 'metrics'];

/** Bodies that are files are kept as they are, whatever their type. */
const FILE_ROUTE = /^\/api\/projects\/[^/]+\/(?:files\/|upload(?:[/?]|$))/i;
/** Those that are large are given the time of a transfer. */
const UPLOAD_ROUTE = /^\/api\/projects\/[^/]+\/upload(?:[/?]|$)/i;

/** The one JSON body that is many. */
const BATCH_ROUTE = /^\/api\/batches\/?(\?|$)/i;

/** @param app created with `bodyParser: false`: the parser's limit is set here, and nothing is read before the throttle */
export function prepareHttp(app: NestExpressApplication): void {
  const settings = app.get(Config).values;
  const { BATCH_MAX_BYTES, BODY_MAX_BYTES, CORS_ORIGINS, HEADERS_MAX, REQUEST_TIMEOUT_MS, TRUST_PROXY } =
    settings;
  boundConnections(app.getHttpServer(), settings);
  app.set('trust proxy', TRUST_PROXY);
  app.use(dropBehindRefused);
  if (app.get(Config).traces) app.use(httpSpan);
  app.use(requestLog(app.get(Log)));
  app.use(refuseAmbiguousHttp(HEADERS_MAX));
  // Without `upgrade-insecure-requests`: where there is no TLS in front, it would break the pages under /docs.
  app.use(helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } }));
  if (CORS_ORIGINS.length > 0)
    app.enableCors({
      origin: CORS_ORIGINS,
      exposedHeaders: [
        'X-Request-Id',
        'X-Execution-Id',
        'X-Trace-Id',
        'Retry-After',
        'RateLimit-Limit',
        'RateLimit-Remaining',
        'RateLimit-Reset',
      ],
    });
  if (!app.get(Config).serves) app.use(probesOnly);
  app.use(addressThrottle(app.get(Throttle)));
  app.use(wholeWithin(REQUEST_TIMEOUT_MS));
  app.use(keyBeforeLargeBody(app.get(ApiKeys)));
  for (const [limit, type, maxValues] of [
    [BATCH_MAX_BYTES, isBatch, BATCH_MAX_VALUES],
    [BODY_MAX_BYTES, isOrdinary, MAX_VALUES],
  ] as const) {
    app.use(refuseLargeBody(limit, type));
    // Named first: the framework's type leaves out `verify`, which it passes on to the parser all the same.
    const json = { limit, type, verify: refuseCostlyJson(maxValues) };
    app.useBodyParser('json', json);
  }
  app.setGlobalPrefix('api', { exclude: ROOT_ROUTES });
  app.useGlobalPipes(new StrictValidationPipe());
}

/** A worker is asked how it is, and nothing else. */
const probesOnly = (request: Request, _response: Response, next: NextFunction) =>
  next(
    ROOT_ROUTES.includes(request.path.slice(1))
      ? undefined
      : new ClaudeCodeError('E009', 'This process only works; ask one with CAISSON_ROLE=api.'),
  );

/** Before authentication, so that guessing keys is limited too; probes are never refused. */
const addressThrottle =
  (throttle: Throttle) => async (request: Request, response: Response, next: NextFunction) => {
    if (!request.path.startsWith('/health/')) await throttle.byAddress(request.ip ?? '', response);
    next();
  };

/** Node knows one limit for all requests, which is the one of uploads; this is the one of the others. */
const wholeWithin = (milliseconds: number) => (request: Request, _response: Response, next: NextFunction) => {
  if (!UPLOAD_ROUTE.test(request.url)) {
    const timer = setTimeout(() => {
      // Made only now: an error made for each request, with its stack, was 5 % of the profile of a plain call.
      const late = Object.assign(new Error('not sent in time'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
      if (!request.complete) answerClientError(late, request.socket);
    }, milliseconds);
    timer.unref();
    request.once('close', () => clearTimeout(timer));
  }
  next();
};

/** Answers at once what the parser would refuse only after it has read it all; Node drains the rest behind the answer. */
const refuseLargeBody =
  (limit: number, applies: (request: WithBody) => boolean) =>
  (request: Request, _response: Response, next: NextFunction) => {
    if (applies(request) && Number(request.headers['content-length']) > limit)
      throw invalidRequest([{ field: 'body', problem: 'is larger than allowed' }]);
    next();
  };

/** The parser asks with the whole body before it parses. @throws Error with the `type` by which the answer is found */
const refuseCostlyJson =
  (maxValues: number) =>
  (_request: unknown, _response: unknown, body: Buffer): void => {
    const problem = structureProblem(body, maxValues);
    if (problem !== undefined) throw Object.assign(new Error(problem), { type: problem, statusCode: 400 });
  };

/** Parsing some megabytes holds up everybody for some ten milliseconds: nobody unknown may cause that. */
const keyBeforeLargeBody =
  (keys: ApiKeys) => async (request: Request, _response: Response, next: NextFunction) => {
    if (isBatch(request)) await keys.authenticate(secretOf(request));
    next();
  };

type WithBody = { url?: string; headers: { 'content-type'?: string } };

const isBatch = (request: WithBody): boolean => isJsonBody(request) && BATCH_ROUTE.test(request.url ?? '');
const isOrdinary = (request: WithBody): boolean => isJsonBody(request) && !isBatch(request);

const isJsonBody = (request: WithBody): boolean =>
  /^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '') &&
  !FILE_ROUTE.test(request.url ?? '');
