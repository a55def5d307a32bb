/**
 * Stands in for the `claude` executable where what is measured is everything around it: it runs in the real sandbox,
 * answers the Agent SDK's control requests, and a prompt after a given time.
 */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const TEXT = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Done.' } };
const SESSION = { session_id: 'stand-in', uuid: '00000000-0000-4000-8000-000000000000' };
const ANSWER = [
  { type: 'stream_event', event: TEXT, parent_tool_use_id: null, ...SESSION },
  {
    type: 'result',
    subtype: 'success',
    is_error: false,
    result: 'Done.',
    stop_reason: 'end_turn',
    num_turns: 1,
    modelUsage: {},
    ...SESSION,
  },
];

/** @returns its path, for CLAUDE_CODE_BINARY */
export async function standInCli(directory: string, ms: number): Promise<string> {
  const path = join(directory, 'claude');
  await writeFile(
    path,
    `#!/bin/bash
while IFS= read -r line; do
  case $line in
    *'"type":"control_request"'*)
      [[ $line =~ '"request_id":"'([^\\"]+) ]]
      printf '{"type":"control_response","response":{"subtype":"success","request_id":"%s","response":{}}}\\n' "\${BASH_REMATCH[1]}"
      ;;
    '{"type":"user"'*)
      sleep ${ms / 1000}
      printf '%s\\n' ${ANSWER.map((message) => `'${JSON.stringify(message)}'`).join(' ')}
      ;;
  esac
done
`,
  );
  await chmod(path, 0o755);
  return path;
}
