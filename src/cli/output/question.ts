/** Asks once, on the terminal. */
import { createInterface } from 'node:readline/promises';
import type { Terminal } from './terminal.js';

/** False for anything but a yes, also when the terminal goes away. @throws the signal's reason, on Ctrl-C */
export async function confirmed(question: string, terminal: Terminal, signal: AbortSignal): Promise<boolean> {
  const { stdin, stderr } = terminal.streams;
  const reader = createInterface({ input: stdin, output: stderr });
  const closed = new AbortController();
  reader.once('close', () => closed.abort());
  // In this mode the terminal hands Ctrl-C over as a character: it is a signal again.
  reader.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    const answer = await reader.question(`${question} [y/N] `, {
      signal: AbortSignal.any([signal, closed.signal]),
    });
    return /^y(?:es)?$/i.test(answer.trim());
  } catch (error) {
    if (signal.aborted || !closed.signal.aborted) throw error;
    return false;
  } finally {
    reader.close();
  }
}
