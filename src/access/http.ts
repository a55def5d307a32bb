/** What every HTTP request passes before a route sees it, in this order; call it before `app.init()` or `app.listen()`. */
import type { Server } from 'node:http';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import helmet from 'helmet';
import { Config } from '../config/config.js';
import { invalidRequest } from '../errors/to-claude-code-error.js';
import { StrictValidationPipe } from '../errors/validation.pipe.js';
import { Log } from '../logging/log.js';
import { requestLog } from '../logging/request-log.js';
import { answerClientError } from './client-error.js';
import { halfOfTheDescriptors } from './descriptor-limit.js';
import { Throttle } from './throttle.js';

/** Outside the prefix `/api`. */
const ROOT_ROUTES = ['health/live', 'health/ready', 'health/startup', 'metrics'];

/** Bodies that are files are kept as they are, whatever their type. */
const FILE_ROUTE = /^\/api\/projects\/[^/]+\/files\//i;

/** @param app created with `bodyParser: false`: the parser's limit is set here, and nothing is read before the throttle */
export function prepareHttp(app: NestExpressApplication): void {
  const { BODY_MAX_BYTES, CONNECTIONS_MAX, CORS_ORIGINS, REQUEST_TIMEOUT_MS, TRUST_PROXY } =
    app.get(Config).values;
  app.set('trust proxy', TRUST_PROXY);
  app.use(requestLog(app.get(Log)));
  // Without `upgrade-insecure-requests`: where there is no TLS in front, it would break the pages under /docs.
  app.use(helmet({ contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } }));
  if (CORS_ORIGINS.length > 0)
    app.enableCors({
      origin: CORS_ORIGINS,
      exposedHeaders: [
        'X-Request-Id',
        'X-Execution-Id',
        'Retry-After',
        'RateLimit-Limit',
        'RateLimit-Remaining',
        'RateLimit-Reset',
      ],
    });
  app.use(addressThrottle(app.get(Throttle)));
  app.use(refuseLargeBody(BODY_MAX_BYTES));
  app.useBodyParser('json', { limit: BODY_MAX_BYTES, type: isJsonBody });
  app.setGlobalPrefix('api', { exclude: ROOT_ROUTES });
  app.useGlobalPipes(new StrictValidationPipe());
  const server: Server = app.getHttpServer();
  server.maxConnections = CONNECTIONS_MAX ?? halfOfTheDescriptors();
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.on('clientError', answerClientError);
}

/** Before authentication, so that guessing keys is limited too; probes are never refused. */
const addressThrottle =
  (throttle: Throttle) => async (request: Request, response: Response, next: NextFunction) => {
    if (!request.path.startsWith('/health/')) await throttle.byAddress(request.ip ?? '', response);
    next();
  };

/** Answers at once what the parser would refuse only after it has read it all; Node drains the rest behind the answer. */
const refuseLargeBody = (limit: number) => (request: Request, _response: Response, next: NextFunction) => {
  if (isJsonBody(request) && Number(request.headers['content-length']) > limit)
    throw invalidRequest([{ field: 'body', problem: 'is larger than allowed' }]);
  next();
};

const isJsonBody = (request: { url?: string; headers: { 'content-type'?: string } }): boolean =>
  /^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '') &&
  !FILE_ROUTE.test(request.url ?? '');
