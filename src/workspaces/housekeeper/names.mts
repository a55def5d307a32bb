/**
 * Names as the file system has them: bytes, carried as strings of one character per byte (latin1), so that no name is
 * lost whatever its encoding, and strings compare as bytes do.
 */
import { isUtf8 } from 'node:buffer';

export const ROOT = '/workspace';

export const fromUtf8 = (path: string): string => Buffer.from(path, 'utf8').toString('latin1');

/** The path for the kernel, of a name relative to the workspace. */
export const onDisk = (name: string): Buffer => Buffer.from(name === '' ? ROOT : `${ROOT}/${name}`, 'latin1');

/**
 * The path for people and JSON: itself when it is UTF-8; else as git quotes it, in double quotes with `\ooo` for each
 * byte beyond ASCII. A path that begins with a double quote is quoted too, so that the two are never confused.
 */
export function shown(name: string): string {
  const bytes = Buffer.from(name, 'latin1');
  if (isUtf8(bytes) && !name.startsWith('"')) return bytes.toString('utf8');
  const quoted = name.replace(/["\\]/g, '\\$&').replace(/[^ -~]/g, (byte) => `\\${octal(byte)}`);
  return `"${quoted}"`;
}

const octal = (byte: string) => byte.charCodeAt(0).toString(8).padStart(3, '0');
