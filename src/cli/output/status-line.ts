/** The line at the bottom that says that something goes on: redrawn while it is true, gone when it is not. */
import { elapsed } from './amounts.js';
import { oneLine } from './printable.js';
import type { Terminal } from './terminal.js';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
/** Back to the line's beginning, and erase it. */
const CLEAR = '\r\x1b[2K';

export class StatusLine implements Disposable {
  private readonly since = performance.now();
  private readonly timer: NodeJS.Timeout | undefined;
  private drawn = false;
  private frame = 0;

  constructor(
    private readonly terminal: Terminal,
    private text: string,
  ) {
    if (terminal.streams.stderr.isTTY !== true) return;
    terminal.beforeWrite = () => this.clear();
    this.timer = setInterval(() => this.draw(), FRAME_MS);
    this.draw();
  }

  show(text: string): void {
    this.text = text;
  }

  [Symbol.dispose](): void {
    this.end();
  }

  end(): void {
    clearInterval(this.timer);
    this.clear();
    this.terminal.beforeWrite = () => undefined;
  }

  private draw(): void {
    if (!this.terminal.canRedraw) return;
    this.frame = (this.frame + 1) % FRAMES.length;
    const time = elapsed(performance.now() - this.since);
    const line = oneLine(`${FRAMES[this.frame] ?? ''} ${this.text} · ${time}`, this.terminal.width - 1);
    this.terminal.streams.stderr.write(`${CLEAR}${this.terminal.err('dim', line)}`);
    this.drawn = true;
  }

  private clear(): void {
    if (this.drawn) this.terminal.streams.stderr.write(CLEAR);
    this.drawn = false;
  }
}
