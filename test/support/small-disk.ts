/** A file system of a few megabytes below a directory, that a test fills, makes read-only and repairs. Root only. */
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Whether one can be had. */
export const canMount = process.getuid?.() === 0;

export class SmallDisk {
  private constructor(readonly path: string) {}

  /** @param options of tmpfs, e.g. `size=8m` */
  static mount(path: string, options: string): SmallDisk {
    mkdirSync(path, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `${options},mode=0711`, 'caisson-test', path]);
    return new SmallDisk(path);
  }

  /** Takes every byte that is left. */
  fill(): void {
    const file = openSync(this.filler, 'w');
    try {
      // Large pieces first, then what is left in pages.
      for (const piece of [Buffer.alloc(1024 * 1024), Buffer.alloc(4096)]) writeAll(file, piece);
    } finally {
      closeSync(file);
    }
    if (statfsSync(this.path).bavail > 0) throw new Error('the disk is not full');
  }

  /** Takes every file name that is left. */
  fillNames(): void {
    mkdirSync(this.filler);
    chmodSync(this.filler, 0o700);
    try {
      for (let count = 0; ; count++) closeSync(openSync(join(this.filler, String(count)), 'w'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  free(): void {
    rmSync(this.filler, { recursive: true, force: true });
  }

  remount(options: 'ro' | 'rw' | `size=${string}`): void {
    execFileSync('mount', ['-o', `remount,${options}`, this.path]);
  }

  /** Lazily: whatever still holds a file on it must not keep it mounted. */
  unmount(): void {
    execFileSync('umount', ['-l', this.path]);
  }

  private get filler(): string {
    return join(this.path, 'filler');
  }
}

function writeAll(file: number, piece: Buffer): void {
  try {
    while (writeSync(file, piece) === piece.length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
