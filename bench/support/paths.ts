/** Where things are, and the built product, typed by its sources. */
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** One of the files that the build made. @param path of its source, below src */
export const built = async <T>(path: string): Promise<T> => (await import(join(ROOT, 'dist', path))) as T;
