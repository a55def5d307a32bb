/** Builds the application without starting to listen: what main and the tests share. */
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { prepareHttp } from './access/http.js';
import { AppModule } from './app.module.js';
import type { Config } from './config/config.js';
import { Log } from './logging/log.js';
import { prepareDocs } from './openapi.js';
import { SocketAdapter } from './streaming/socket-adapter.js';

export async function buildApp(config: Config): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.register(config), {
    bodyParser: false, // `prepareHttp` sets its limits
    bufferLogs: true,
    abortOnError: false,
    // Streams of executions that still wait would otherwise keep the server from closing.
    forceCloseConnections: true,
  });
  app.useLogger(app.get(Log));
  prepareHttp(app);
  if (config.serves) {
    app.useWebSocketAdapter(new SocketAdapter(app, config));
    prepareDocs(app);
  }
  return app;
}
