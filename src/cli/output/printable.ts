/** What a model, a file or a server wrote, made safe to show: text stays text and is never a command to the terminal. */

/** Controls but tab and line end, in both their forms, and the marks that turn text around or hide it. */
const COMMANDS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Each of them is shown as a picture of itself (U+2400 …) or as a box. */
export const printable = (text: string): string =>
  text.replaceAll('\r\n', '\n').replace(COMMANDS, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? '\u2421' : '\ufffd';
  });

/** The same on one line, cut to a width. */
export function oneLine(text: string, width: number): string {
  const line = printable(text).replace(/\s+/g, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, Math.max(1, width - 1))}…`;
}
