/** How the stand-in counts tokens. */
import { CHARS_PER_TOKEN } from '../chars-per-token.js';

export const tokensIn = (chars: number): number => Math.ceil(chars / CHARS_PER_TOKEN);
export const tokensOf = (text: string): number => tokensIn(text.length);

/** As much of a text as so many tokens hold. */
export const firstTokens = (text: string, tokens: number): string => text.slice(0, tokens * CHARS_PER_TOKEN);
