/**
 * The workbench: carries out the file tools of the Messages API's agent, inside a sandbox, as the workspace's user. It is
 * plain Node; whatever a model asks for, it can do no more than the sandbox lets it.
 */
import { createInterface } from 'node:readline';
import { asFailure, errorCode } from '../../../workspaces/housekeeper/failure.mts';
import { type CallAnswer, type CallRequest, type Request, TOOL_NAMES } from './protocol.mts';
import { survey } from './survey.mts';
import { Input, TOOLS } from './tools.mts';

function call({ tool, input, directory, outputChars }: CallRequest): CallAnswer {
  try {
    if (!TOOL_NAMES.includes(tool)) throw new Error(`no such tool: ${tool}`);
    return { output: cut(TOOLS[tool](new Input(input), directory), outputChars), isError: false };
  } catch (error) {
    return { output: cut(`Error: ${reasonOf(error)}`, outputChars), isError: true };
  }
}

/** In the words of the kernel where the workspace is closed: that is what the model has to know. */
function reasonOf(error: unknown): string {
  if (errorCode(error) === 'EROFS') return 'Read-only file system';
  return asFailure(error)?.message ?? (error instanceof Error ? error.message : String(error));
}

const cut = (text: string, chars: number): string =>
  text.length <= chars ? text : `${text.slice(0, chars)}\n(cut: ${text.length - chars} characters more)`;

// The server asks this way to give up: between two steps, so that nothing half-written stays.
process.once('SIGTERM', () => process.exit(1));

for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
  // The server's own words: it is the only one who can write here.
  const request = JSON.parse(line) as Request;
  const answer = request.op === 'survey' ? survey(request) : call(request);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
