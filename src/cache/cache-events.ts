/** What became of requests that the cache could have answered: facts for whoever counts them. */
import { Injectable } from '@nestjs/common';
import Emittery from 'emittery';

/**
 * Why a request ran although its answer could have been kept: nothing like it was asked before; it was, of other files;
 * somebody was writing, so that nobody knew which files; the kept changes did not fit any more; it asked for it.
 */
export const CACHE_MISSES = ['new', 'changed', 'writing', 'conflict', 'refresh'] as const;
export type CacheMiss = (typeof CACHE_MISSES)[number];

/** From where an answer came: one that was kept, or an execution that was asked the same at the same time. */
export const CACHE_HITS = ['kept', 'shared'] as const;
export type CacheHit = (typeof CACHE_HITS)[number];

@Injectable()
export class CacheEvents extends Emittery<{ hit: { from: CacheHit }; missed: { reason: CacheMiss } }> {}
