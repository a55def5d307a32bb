/** Every metric of the house. No label can grow with users, projects or what a caller writes. */
import { makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { MISS_REASONS, WarmPlaces } from '../agents/warm-places.js';
import { AnswerStore } from '../cache/answer-store.js';
import { CACHE_HITS, CACHE_MISSES } from '../cache/cache-events.js';
import { ExecutionQueue } from '../execution/execution-queue.js';
import { HeldExecutions } from '../execution/held-executions.js';
import { PRIORITIES } from '../execution/waiting.js';

export const REQUESTS = 'claude_code_requests_total';
export const ERRORS = 'claude_code_errors_total';
export const DURATION = 'claude_code_duration_seconds';
export const TOKENS = 'claude_code_tokens_total';
export const QUEUE_WAIT = 'caisson_queue_wait_seconds';
export const FIRST_TOKEN = 'caisson_first_token_seconds';
export const SANDBOX_START = 'caisson_sandbox_start_seconds';
export const POOL_HITS = 'caisson_pool_hits_total';
export const POOL_MISSES = 'caisson_pool_misses_total';
export const POOL_CLAIM = 'caisson_pool_claim_seconds';
export const POOL_START = 'caisson_pool_start_seconds';
export const CACHE_HITS_TOTAL = 'caisson_cache_hits_total';
export const CACHE_MISSES_TOTAL = 'caisson_cache_misses_total';
export const STREAM_LAG = 'caisson_stream_lag_seconds';
export const UPSTREAM_DURATION = 'caisson_upstream_duration_seconds';
export const UPSTREAM_FIRST_BYTE = 'caisson_upstream_first_byte_seconds';
export const EGRESS_CONNECTIONS = 'caisson_egress_connections_total';
export const EGRESS_BYTES = 'caisson_egress_bytes_total';

/** Seconds. From the start of a warm sandbox (about 5 ms) to a slow first token. */
const SHORT = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Seconds. From a trivial answer to the longest execution that is usual (CLAUDE_CODE_TIMEOUT is 300 by default). */
const LONG = [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

export const INSTRUMENTS = [
  makeCounterProvider({
    name: REQUESTS,
    help: 'Executions that ended, by how',
    labelNames: ['action', 'status'],
  }),
  makeCounterProvider({
    name: ERRORS,
    help: 'Refused calls and failed executions, by code',
    labelNames: ['code'],
  }),
  makeHistogramProvider({
    name: DURATION,
    help: 'From the start of an execution to its end',
    labelNames: ['action'],
    buckets: LONG,
  }),
  makeCounterProvider({ name: TOKENS, help: 'Tokens, metered on the wire', labelNames: ['type', 'model'] }),
  makeHistogramProvider({
    name: QUEUE_WAIT,
    help: 'From acceptance to start',
    labelNames: ['priority'],
    buckets: LONG,
  }),
  makeHistogramProvider({ name: FIRST_TOKEN, help: 'From start to the first text', buckets: SHORT }),
  makeHistogramProvider({
    name: SANDBOX_START,
    help: 'From asking for a sandbox to its process',
    buckets: SHORT,
  }),
  makeHistogramProvider({
    name: STREAM_LAG,
    help: 'From the record of an event to its delivery',
    buckets: SHORT,
  }),
  makeHistogramProvider({
    name: UPSTREAM_DURATION,
    help: 'Model requests, with their retries',
    labelNames: ['status'],
    buckets: LONG,
  }),
  makeHistogramProvider({
    name: UPSTREAM_FIRST_BYTE,
    help: 'Model requests, to the first byte',
    buckets: SHORT,
  }),
  makeCounterProvider({
    name: EGRESS_CONNECTIONS,
    help: 'Connections that sandboxes asked for, by outcome',
    labelNames: ['outcome'],
  }),
  makeCounterProvider({
    name: EGRESS_BYTES,
    help: 'Bytes of sandboxes to granted hosts (up) and back (down)',
    labelNames: ['direction'],
  }),
  makeGaugeProvider({
    name: 'caisson_queue_depth',
    help: 'Executions that wait',
    labelNames: ['priority'],
    inject: [ExecutionQueue],
    collect(this: Gauge, queue: ExecutionQueue) {
      for (const priority of PRIORITIES) this.set({ priority }, queue.waiting[priority]);
    },
  }),
  makeGaugeProvider({
    name: 'caisson_economy_held',
    help: 'Executions of mode economy that wait for the answer of the model service',
    inject: [HeldExecutions],
    async collect(this: Gauge, held: HeldExecutions) {
      this.set(await held.count());
    },
  }),
  makeGaugeProvider({
    name: 'caisson_running',
    help: 'Executions under way',
    inject: [ExecutionQueue],
    collect(this: Gauge, queue: ExecutionQueue) {
      this.set(queue.running);
    },
  }),
  makeCounterProvider({ name: POOL_HITS, help: 'Executions for which a process waited' }),
  makeCounterProvider({
    name: POOL_MISSES,
    help: `Executions that started a process of their own, by why: ${MISS_REASONS.join(', ')}`,
    labelNames: ['reason'],
  }),
  makeHistogramProvider({
    name: POOL_CLAIM,
    help: 'From asking for a waiting process to having it, bound to the task',
    buckets: [0.001, ...SHORT],
  }),
  makeHistogramProvider({
    name: POOL_START,
    help: 'From the start of a process to its readiness',
    buckets: SHORT,
  }),
  makeGaugeProvider({
    name: 'caisson_pool_ready',
    help: 'Processes that wait',
    inject: [WarmPlaces],
    collect(this: Gauge, places: WarmPlaces) {
      this.set(places.ready);
    },
  }),
  makeGaugeProvider({
    name: 'caisson_pool_oldest_seconds',
    help: 'How long the one has waited that has waited longest',
    inject: [WarmPlaces],
    collect(this: Gauge, places: WarmPlaces) {
      this.set(Math.max(0, ...places.ages) / 1000);
    },
  }),
  makeGaugeProvider({
    name: 'caisson_pool_memory_bytes',
    help: 'Memory (PSS) of all processes that wait, as last measured',
    inject: [WarmPlaces],
    collect(this: Gauge, places: WarmPlaces) {
      this.set(places.memoryBytes);
    },
  }),
  makeCounterProvider({
    name: CACHE_HITS_TOTAL,
    help: `Executions that were given an answer and did not run, by its origin: ${CACHE_HITS.join(', ')}`,
    labelNames: ['from'],
  }),
  makeCounterProvider({
    name: CACHE_MISSES_TOTAL,
    help: `Executions that ran although their answer may be kept, by why: ${CACHE_MISSES.join(', ')}`,
    labelNames: ['reason'],
  }),
  makeGaugeProvider({
    name: 'caisson_cache_answers',
    help: 'Answers that are kept',
    inject: [AnswerStore],
    async collect(this: Gauge, store: AnswerStore) {
      this.set((await store.size()).answers);
    },
  }),
  makeGaugeProvider({
    name: 'caisson_cache_bytes',
    help: 'Bytes of all of them',
    inject: [AnswerStore],
    async collect(this: Gauge, store: AnswerStore) {
      this.set((await store.size()).bytes);
    },
  }),
];
