/** An error with a word for programs and a sentence for people. */
export class SeamlineError extends Error {
  override readonly name = "SeamlineError";

  /** @param code A stable word, such as `bad_option`, `too_large`, `outbox_full` or `closed`. */
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
