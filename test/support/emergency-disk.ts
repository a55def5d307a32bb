/** An ext4 file system that turns read-only under open files, as one does that has met an error of its disk. Root only. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './processes.js';

const BYTES = 48 * 1024 * 1024;

export class EmergencyDisk {
  private constructor(
    private readonly image: string,
    private readonly path: string,
  ) {}

  /** @param home where the image lies */
  static mount(home: string, path: string): EmergencyDisk {
    const disk = new EmergencyDisk(join(home, 'disk.img'), path);
    writeFileSync(disk.image, '');
    truncateSync(disk.image, BYTES);
    execFileSync('mkfs.ext4', ['-q', '-m', '0', disk.image]);
    mkdirSync(path, { recursive: true });
    disk.attach();
    chmodSync(path, 0o711);
    return disk;
  }

  turnReadOnly(): void {
    execFileSync('mount', ['-o', 'remount,abort', this.path]);
  }

  /** Whoever still holds it (a sandbox that is just dying) holds the broken one: it is mounted anew until it can be written. */
  async repair(): Promise<void> {
    await until(() => {
      this.unmount();
      this.attach();
      return isWritable(this.path);
    }, 30_000);
  }

  unmount(): void {
    execFileSync('umount', ['-l', this.path]);
  }

  private attach(): void {
    execFileSync('mount', ['-o', 'loop', this.image, this.path]);
  }
}

/** Tried, not asked: newer kernels say of a file system that was aborted that it can be written. */
function isWritable(path: string): boolean {
  try {
    rmdirSync(mkdtempSync(join(path, 'tried-')));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EROFS') return false;
    throw error;
  }
}
