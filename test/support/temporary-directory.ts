/** A directory of a test's own, apart from what starts the product: many need the one without the other. */
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One that sandboxes with a uid of their own can pass through. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'caisson-test-'));
  await chmod(directory, 0o711);
  return directory;
}
