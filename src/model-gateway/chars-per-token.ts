/** Characters per token of English text, by the provider's rule of thumb: where nobody has counted. */
export const CHARS_PER_TOKEN = 4;
