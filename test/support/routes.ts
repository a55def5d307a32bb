/** Every route that Express knows, as it would be called: what a walk over the API must not forget. */
import type { NestExpressApplication } from '@nestjs/platform-express';
import { z } from 'zod';

export interface Route {
  method: string;
  /** With its parameters filled in. */
  path: string;
}

const stack = z.array(
  z.object({
    route: z
      .object({
        path: z.union([z.string(), z.array(z.string())]),
        methods: z.record(z.string(), z.boolean()),
      })
      .optional(),
  }),
);

export function routesOf(app: NestExpressApplication): Route[] {
  const express = app.getHttpAdapter().getInstance() as { router: { stack: unknown } };
  return stack.parse(express.router.stack).flatMap(({ route }) =>
    // Middleware that Nest hangs on a path of its own takes every method and hands each on.
    route === undefined || Object.keys(route.methods).length > 10
      ? []
      : [route.path].flat().flatMap((path) =>
          Object.keys(route.methods).map((method) => ({
            method: method.toUpperCase(),
            path: filledIn(path),
          })),
        ),
  );
}

/** `/x/:id/*path` as a path that could exist. */
const filledIn = (path: string): string =>
  path
    .replace(/:seq\b/, '1')
    .replace(/:\w+/g, 'known')
    .replace(/\*\w+/g, 'some/file.txt');
