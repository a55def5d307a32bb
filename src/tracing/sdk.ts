/**
 * The OpenTelemetry SDK behind the API that the house uses. What is not a setting here (batches, timeouts, certificates,
 * compression, sampling, resource attributes) it reads itself from the standard OTEL_* variables.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { context, diag, DiagLogLevel, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Config } from '../config/config.js';
import { VERSION } from '../version.js';
import { WatchedExporter } from './watched-exporter.js';

/** Milliseconds that a stop waits for the last spans: a collector that is away must not keep the server. */
const LAST_FLUSH_MS = 2000;

/** @returns stops it: sends what is left, within two seconds */
export async function startSdk(config: Config): Promise<() => Promise<void>> {
  const logger = new Logger('Tracing');
  // What cannot be exported is told by the exporter's watcher, once.
  const quiet = (message: string) => logger.debug(message);
  const warn = (message: string) => logger.warn(message);
  diag.setLogger(
    { error: quiet, warn, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const provider = new BasicTracerProvider({
    resource: resourceOf(config),
    spanProcessors: [new BatchSpanProcessor(new WatchedExporter(await exporter(config), logger))],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  // Without baggage: what callers send along goes nowhere.
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  return async () => {
    const given = new AbortController();
    const patience = sleep(LAST_FLUSH_MS, undefined, { signal: given.signal }).catch(() => undefined);
    const flushed = provider
      .shutdown()
      .catch((error: unknown) => logger.warn({ msg: 'the last spans were lost', err: error }));
    await Promise.race([flushed, patience]);
    given.abort();
    for (const global of [trace, context, propagation, diag]) global.disable();
  };
}

async function exporter({ values, traceEndpoint }: Config): Promise<SpanExporter> {
  const { OTLPTraceExporter } =
    values.OTEL_EXPORTER_OTLP_PROTOCOL === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter({ url: traceEndpoint, headers: values.OTEL_EXPORTER_OTLP_HEADERS });
}

/** Who sends: what the standard variables say of it goes before what it says of itself. */
function resourceOf({ values: { CAISSON_ROLE, OTEL_SERVICE_NAME } }: Config): Resource {
  const itself = { 'service.name': 'caisson', 'service.version': VERSION, 'caisson.role': CAISSON_ROLE };
  return defaultResource()
    .merge(resourceFromAttributes(itself))
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(
      resourceFromAttributes(OTEL_SERVICE_NAME === undefined ? {} : { 'service.name': OTEL_SERVICE_NAME }),
    );
}
