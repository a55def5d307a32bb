/** Keeps a data directory for one server: a second one would take what the first is running for lost, and end it. */
import { DatabaseSync } from 'node:sqlite';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Config, InvalidConfigError } from '../../config/config.js';
import { ownFile } from '../data-directory.js';
import { told } from './told.js';

/** Milliseconds that a server which is just ending gets, so that a restart in place succeeds. */
const PATIENCE_MS = 5000;
/** SQLITE_BUSY. */
const BUSY = 5;

/**
 * Node has no file locks, SQLite has: an open exclusive transaction on a file of its own. The kernel gives the lock back
 * when the process is gone, however it went; nothing stale can stay.
 */
@Injectable()
export class DirectoryLock implements OnApplicationShutdown {
  private readonly holder: DatabaseSync;

  /** @throws InvalidConfigError when another server has the directory */
  constructor(config: Config) {
    this.holder = new DatabaseSync(ownFile(config, 'lock'), { timeout: PATIENCE_MS });
    try {
      told(() => this.holder.exec('BEGIN EXCLUSIVE'));
    } catch (error) {
      this.holder.close();
      if ((error as { cause?: { errcode?: number } }).cause?.errcode !== BUSY) throw error;
      throw new InvalidConfigError(`CAISSON_DATA: another server is running on ${config.dataDirectory}`);
    }
  }

  onApplicationShutdown(): void {
    this.holder.close();
  }
}
