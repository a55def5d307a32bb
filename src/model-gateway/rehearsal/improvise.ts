/** What the stand-in does without a script: per command a small, believable piece of work with real tool calls. */
import { basename, extname, join } from 'node:path';
import type { Conversation, ToolCall } from './conversation.js';
import { type Facts, sampleValue } from './sample-value.js';
import { STRUCTURED_OUTPUT, type Step } from './step.js';

const LIST_FILES = "find . -type f -not -path '*/.*' -not -path '*/node_modules/*' | sort | head -n 50";
/** The tools that change a file: Claude Code's, and that of the Messages API's agent. */
const EDITS: readonly string[] = ['Edit', 'ApplyPatch'];
const SOURCE = /\.(ts|tsx|js|jsx|mjs|cjs|py|go|rs|java|rb|sh|c|h|cpp|cs|php)$/;
/** A file name in prose: with an extension, with nothing that leads out of the working directory, and not `Node.js`. */
const FILE_NAME =
  /(?<![\w./-])(?:\.\/)?(?!(?:node|vue|next|express|react)\.js)((?:[\w-]+\/)*[\w-]+\.(?:[cm]?[jt]sx?|py|go|rs|java|rb|sh|c|h|cpp|cs|php|json|md|txt|html|css|ya?ml|toml|sql))(?![\w/])/gi;

/** The next steps of a conversation. */
export function improvise(conversation: Conversation): Step[] {
  switch (conversation.command) {
    case 'generate':
      return generate(conversation);
    case 'refactor':
      return refactor(conversation);
    case 'analyze':
    case 'review':
      return look(conversation);
    default:
      return finish(
        conversation,
        `This is a rehearsal: no model was asked. You said: ${excerpt(conversation.prompt)}`,
      );
  }
}

/** Writes one file; one that is there already is read first, as the CLI demands. */
function generate(conversation: Conversation): Step[] {
  const { prompt, calls, workingDirectory } = conversation;
  const name = namedFiles(prompt)[0] ?? `hello${languageOf(prompt).extension}`;
  const path = join(workingDirectory, name);
  const program = programFor(name, prompt);
  const fence = `\`\`\`${extname(name).slice(1)}\n${program}\`\`\``;
  if (conversation.tool('Write') === undefined)
    return finish(conversation, `In a rehearsal I would write \`${name}\`:\n\n${fence}`);
  const write: Step = { kind: 'tool', name: 'Write', input: { file_path: path, content: program } };
  const writes = calls.filter((call) => call.name === 'Write');
  const last = calls.at(-1);
  if (writes.length === 0) return [{ kind: 'text', text: `I'll write \`${name}\`.` }, write];
  if (
    writes.length === 1 &&
    last?.name === 'Write' &&
    last.isError &&
    conversation.tool('Read') !== undefined
  )
    return [{ kind: 'tool', name: 'Read', input: { file_path: path } }];
  if (writes.length === 1 && last?.name === 'Read' && !last.isError) return [write];
  return last?.isError === true
    ? finish(conversation, `I could not write \`${name}\`: ${excerpt(last.output)}`)
    : finish(conversation, `I wrote \`${name}\`:\n\n${fence}`);
}

/** Lists the files, reads one, and adds a comment on top of it. */
function refactor(conversation: Conversation): Step[] {
  const { calls } = conversation;
  const looked = lookAround(conversation, (file) => SOURCE.test(file));
  if (looked !== undefined) return looked;
  const read = calls.find((call) => call.name === 'Read' && !call.isError);
  const edited = calls.find(({ name }) => EDITS.includes(name));
  const line = read === undefined ? undefined : firstUniqueLine(read.output);
  if (read === undefined || line === undefined) return finish(conversation, 'I found no file to refactor.');
  const path = String(read.input.file_path);
  const comment = commentFor(path, `Refactored in rehearsal: ${excerpt(conversation.prompt)}`);
  const edit = editOf(conversation, path, line, comment);
  if (edited === undefined && edit !== undefined)
    return [{ kind: 'text', text: `I'll change \`${basename(path)}\`.` }, edit];
  if (edited === undefined || edited.isError)
    return finish(conversation, `I would add a comment to \`${basename(path)}\`: ${comment}`);
  return finish(conversation, `I changed \`${basename(path)}\`.`);
}

/** The comment above the line, by the tool that is offered for it. */
function editOf(conversation: Conversation, path: string, line: string, comment: string): Step | undefined {
  if (conversation.tool('Edit') !== undefined) {
    const input = { file_path: path, old_string: line, new_string: `${comment}\n${line}` };
    return { kind: 'tool', name: 'Edit', input };
  }
  if (conversation.tool('ApplyPatch') === undefined) return undefined;
  const patch = `--- ${path}\n+++ ${path}\n@@\n-${line}\n+${comment}\n+${line}\n`;
  return { kind: 'tool', name: 'ApplyPatch', input: { patch } };
}

/** Lists the files, reads one, and reports. */
function look(conversation: Conversation): Step[] {
  const looked = lookAround(conversation, () => true);
  if (looked !== undefined) return looked;
  const { files } = factsOf(conversation);
  return finish(
    conversation,
    `I looked at ${files.length} files: ${files.slice(0, 5).join(', ') || 'none'}.`,
  );
}

/** The steps until the files are listed and one of them is read; undefined when that has been done. */
function lookAround(conversation: Conversation, wanted: (file: string) => boolean): Step[] | undefined {
  const { calls, prompt, workingDirectory } = conversation;
  if (conversation.tool('Bash') !== undefined && !calls.some((call) => call.name === 'Bash'))
    return [
      { kind: 'text', text: "I'll look at the files first." },
      { kind: 'tool', name: 'Bash', input: { command: LIST_FILES, description: 'List the files' } },
    ];
  if (conversation.tool('List') !== undefined && !calls.some((call) => call.name === 'List'))
    return [
      { kind: 'text', text: "I'll look at the files first." },
      { kind: 'tool', name: 'List', input: {} },
    ];
  if (conversation.tool('Read') === undefined || calls.some((call) => call.name === 'Read')) return undefined;
  const files = listed(calls).filter(wanted);
  const named = namedFiles(prompt);
  const file =
    files.find((one) => named.some((name) => one === name || one.endsWith(`/${name}`))) ??
    files[0] ??
    named[0];
  return file === undefined
    ? undefined
    : [{ kind: 'tool', name: 'Read', input: { file_path: join(workingDirectory, file) } }];
}

/** The last answer: through the CLI's structured output where that is asked for, else as text. */
function finish(conversation: Conversation, text: string): Step[] {
  return structured(conversation) ?? [{ kind: 'text', text }];
}

/** The call of StructuredOutput when it is offered and has not succeeded; a second failure is left at that. */
export function structured(conversation: Conversation): Step[] | undefined {
  const { answerSchema } = conversation;
  if (answerSchema !== undefined) return inWords(conversation, answerSchema);
  const schema = conversation.tool(STRUCTURED_OUTPUT);
  const calls = conversation.calls.filter((call) => call.name === STRUCTURED_OUTPUT);
  if (schema === undefined || calls.length > 1 || calls.some((call) => !call.isError)) return undefined;
  const value = sampleValue(schema, factsOf(conversation));
  return [{ kind: 'tool', name: STRUCTURED_OUTPUT, input: { ...(value as Record<string, unknown>) } }];
}

/** The object that was asked for in words, as words. */
function inWords(conversation: Conversation, schema: Record<string, unknown>): Step[] {
  const value = sampleValue(schema, factsOf(conversation));
  return [{ kind: 'text', text: `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\`` }];
}

function factsOf({ calls, prompt }: Conversation): Facts {
  const files = listed(calls);
  return { files, summary: `Rehearsed: looked at ${files.length} files for "${excerpt(prompt)}".` };
}

/** The paths that the listing showed, relative to the working directory. */
function listed(calls: readonly ToolCall[]): string[] {
  const shell = calls.find((call) => call.name === 'Bash' && !call.isError)?.output ?? '';
  const list = calls.find((call) => call.name === 'List' && !call.isError)?.output ?? '';
  return [
    ...shell.split('\n').flatMap((line) => /^\.\/(.+)$/.exec(line.trim())?.[1] ?? []),
    // Directories end with a slash, remarks stand in brackets.
    ...list.split('\n').filter((line) => /^[^(].*[^/]$/.test(line)),
  ];
}

function namedFiles(prompt: string): string[] {
  return [...prompt.matchAll(FILE_NAME)].flatMap(([, name]) => name ?? []);
}

/** A line that occurs once in the numbered listing which the Read tool gives: safe to be replaced. */
function firstUniqueLine(listing: string): string | undefined {
  const lines = listing.split('\n').flatMap((line) => /^\s*\d+[\t→](.*)$/.exec(line)?.[1] ?? []);
  const text = lines.join('\n');
  return lines.find((line) => line.trim() !== '' && !line.startsWith('#!') && text.split(line).length === 2);
}

const LANGUAGES = [
  { name: /\btypescript\b/i, extension: '.ts' },
  { name: /\bpython\b/i, extension: '.py' },
  { name: /\b(shell|bash)\b/i, extension: '.sh' },
  { name: /\bmarkdown\b/i, extension: '.md' },
  { name: /./s, extension: '.js' },
] as const;

function languageOf(prompt: string): { extension: string } {
  return LANGUAGES.find(({ name }) => name.test(prompt)) ?? LANGUAGES[4];
}

function programFor(file: string, prompt: string): string {
  const about = commentFor(file, `Rehearsed answer to: ${excerpt(prompt)}`);
  const greeting = 'Hello from Caisson';
  switch (extname(file)) {
    case '.ts':
      return `${about}\nexport function greet(name: string): string {\n  return \`${greeting}, \${name}\`;\n}\n`;
    case '.js':
      return `${about}\nexport function greet(name) {\n  return \`${greeting}, \${name}\`;\n}\n`;
    case '.py':
      return `${about}\ndef greet(name: str) -> str:\n    return f"${greeting}, {name}"\n`;
    case '.sh':
      return `${about}\necho "${greeting}"\n`;
    case '.json':
      return `${JSON.stringify({ greeting, prompt: excerpt(prompt) }, null, 2)}\n`;
    default:
      return `${about}\n${greeting}\n`;
  }
}

function commentFor(file: string, text: string): string {
  const extension = extname(file);
  if (['.py', '.sh', '.rb', '.yml', '.yaml', '.toml'].includes(extension)) return `# ${text}`;
  if (['.md', '.html', '.xml'].includes(extension)) return `<!-- ${text.replaceAll('--', '—')} -->`;
  return ['.txt', '.json', ''].includes(extension) ? text : `// ${text}`;
}

/** The first line, short enough for one sentence. */
function excerpt(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
