/** Thrown by a place when the task needs a stronger engine. */
export class HandedOver extends Error {
  override readonly name = 'HandedOver';

  /**
   * @param reason why, in a sentence; from the model, or from a limit
   * @param learned what the model says that it knows by now
   */
  constructor(
    readonly reason: string,
    readonly learned: string | undefined,
  ) {
    super(reason);
  }
}
