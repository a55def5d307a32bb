/** Stands in for the `claude` executable in tests of a CLI that is broken: a few lines of shell, run in the real sandbox. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Answers the Agent SDK's next control request with success, as the CLI does; what follows comes after the handshake. */
export const ANSWER_REQUEST = `read -r line
id=$(printf '%s' "$line" | sed 's/.*"request_id":"\\([^"]*\\)".*/\\1/')
printf '{"type":"control_response","response":{"subtype":"success","request_id":"%s","response":{}}}\\n' "$id"`;

/** Writes the program and answers its path, for CLAUDE_CODE_BINARY; writing it again changes what the next execution runs. */
export async function fakeCli(directory: string, script: string): Promise<string> {
  const path = join(directory, 'claude');
  await writeFile(path, `#!/bin/bash\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}
