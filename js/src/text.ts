import type { ErrorCode } from "./codes.js";
import { invalid } from "./error.js";

/** The size of a text as UTF-8. */
export function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

/**
 * Refuses a text that UTF-8 cannot encode. A lone surrogate would become U+FFFD on its way to the server, so two texts
 * that differ only there would be the same. `display` is the value as the error has it, if not as it is.
 */
export function checkText(code: ErrorCode, what: string, text: unknown, display = text): void {
  if (typeof text === "string" && /\p{Surrogate}/u.test(text)) {
    throw invalid(code, what, display, "remove the lone surrogate, which UTF-8 cannot encode");
  }
}
