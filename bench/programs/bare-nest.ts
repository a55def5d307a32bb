/** What the control plane is measured beside: Nest on Express with one route, and nothing of the product. */
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { Body, Controller, Get, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** The answers by path: what the product answers, so that both write the same bytes. */
const answers = JSON.parse(process.argv[2] ?? '') as Record<string, unknown>;

// Node strips types and does not compile decorators: they are applied by hand.
class Bare {
  get(): unknown {
    return answers.get;
  }

  list(): unknown {
    return answers.list;
  }

  submit(body: { prompt: string }): unknown {
    return body.prompt === '' ? undefined : answers.submit;
  }
}
const method = (name: keyof Bare) =>
  [Bare.prototype, name, Object.getOwnPropertyDescriptor(Bare.prototype, name) ?? {}] as const;
Controller('api/executions')(Bare);
Get('one')(...method('get'));
Get()(...method('list'));
Post()(...method('submit'));
Body()(Bare.prototype, 'submit', 0);

const app = await NestFactory.create({ module: Bare, controllers: [Bare] }, { logger: false });
await app.listen(0, '127.0.0.1');
const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
process.send?.({ url: `http://127.0.0.1:${port}` });
