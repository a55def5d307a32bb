/** How a route says who may call it. A route that says nothing is refused. */
import { SetMetadata } from '@nestjs/common';
import type { Config } from '../config/config.js';
import type { Scope } from './principal.js';

export const SCOPES_KEY = 'caisson:scopes';
export const PUBLIC_KEY = 'caisson:public';

/** The key must have at least one of these scopes. */
export const Scopes = (...anyOf: [Scope, ...Scope[]]) => SetMetadata(SCOPES_KEY, anyOf);

/** Needs no key while the condition holds; otherwise the route's `@Scopes` apply. */
export const PublicWhen = (condition: (config: Config) => boolean) => SetMetadata(PUBLIC_KEY, condition);

/** Needs no key. */
export const Public = () => PublicWhen(() => true);
