import type { ErrorCode } from "./codes.js";

/** An error with a code for programs and a sentence for people: what failed, the value, and what to do. */
export class SeamlineError extends Error {
  override readonly name = "SeamlineError";

  constructor(
    /** A stable word, such as `bad_option`, `too_large`, `outbox_full` or `closed`. */
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Stands for a value that must not appear in an error, such as a token. */
export const HIDDEN = "(hidden)";

/** How much of a value an error shows. */
const SHOWN_MAX = 100;

/** The error for an argument that cannot be used. `what` names it, as in `option "wasm"`. */
export function invalid(code: ErrorCode, what: string, value: unknown, advice: string): SeamlineError {
  // JSON has no functions and symbols, and not every number.
  const shown = text(value, typeof value === "object" || typeof value === "string" ? JSON.stringify : String);
  return new SeamlineError(code, `invalid ${what}: ${shown.slice(0, SHOWN_MAX)}; ${advice}`);
}

/** The error for a name that is none of those known. */
export function unknown(code: ErrorCode, what: string, name: unknown, known: readonly PropertyKey[]): SeamlineError {
  return new SeamlineError(code, `unknown ${what}: "${text(name)}"; use one of ${known.join(", ")}`);
}

/** What an error says, or any other value that was thrown, as text. */
export function messageOf(error: unknown): string {
  return text(error, () => text((error as Partial<Error> | null | undefined)?.message ?? error));
}

/** Any value as text. A template would throw on symbols, and on objects that cannot become a string. */
export function text(value: unknown, convert: (value: unknown) => string = String): string {
  try {
    return `${convert(value)}`; // JSON is `undefined` for an object whose `toJSON` returns that
  } catch {
    return typeof value;
  }
}
