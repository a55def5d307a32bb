/** An ext4 file system that turns read-only under open files, as one does that has met an error of its disk. Root only. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

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

  /** To be called when nobody holds a file on it. */
  repair(): void {
    this.unmount();
    this.attach();
  }

  unmount(): void {
    execFileSync('umount', ['-l', this.path]);
  }

  private attach(): void {
    execFileSync('mount', ['-o', 'loop', this.image, this.path]);
  }
}
