/** How many of something each owner has open, with an upper limit for each. */
export class Tally {
  private readonly open = new Map<string, number>();

  constructor(private readonly limit: number) {}

  /** One more, unless the owner has reached the limit. @returns whether it was counted; then `leave` must follow once */
  enter(owner: string): boolean {
    if (!this.hasRoom(owner)) return false;
    this.open.set(owner, (this.open.get(owner) ?? 0) + 1);
    return true;
  }

  hasRoom(owner: string): boolean {
    return (this.open.get(owner) ?? 0) < this.limit;
  }

  leave(owner: string): void {
    const count = this.open.get(owner) ?? 0;
    if (count > 1) this.open.set(owner, count - 1);
    else this.open.delete(owner);
  }
}
