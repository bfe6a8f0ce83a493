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

/** Any value as text. A template would throw on symbols, and on objects that cannot become a string. */
export function text(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}
