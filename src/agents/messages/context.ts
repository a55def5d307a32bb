/** What the model is shown of the workspace with the first message. */
import type { Survey } from './workbench/protocol.mts';

/**
 * In one block that begins and ends with its own mark, so that it is never taken for what the user wrote.
 * @param withMap the map goes into a conversation once
 * @param wereAsked whether the user named the files
 */
export function contextOf(
  { entries, bytes, whole, map, files }: Survey,
  withMap: boolean,
  wereAsked = true,
): string {
  const count = `${whole ? '' : 'more than '}${entries} files, ${bytes} bytes`;
  const parts = [
    ...(withMap
      ? [`The workspace: ${count}.${entries === 0 ? '' : ` Its map (bytes in brackets):\n${map}`}`]
      : []),
    ...files.map(({ path, content, problem }) =>
      content === undefined
        ? `${path} was asked for: ${problem ?? 'it cannot be shown'}.`
        : `${path}${wereAsked ? ' was asked for' : ''}:\n${fence(content)}${content}\n${fence(content)}`,
    ),
  ];
  return parts.length === 0 ? '' : `<context>\n${parts.join('\n\n')}\n</context>`;
}

/** Longer than any run of backticks in the text, so that no file ends its own frame. */
function fence(content: string): string {
  const longest = Math.max(2, ...[...content.matchAll(/`{3,}/g)].map(([run]) => run.length));
  return `${'`'.repeat(longest + 1)}\n`;
}
