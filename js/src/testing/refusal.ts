import type { ErrorCode } from "../codes.js";
import type { RefusedRequest, TestRefusal } from "./types.js";

/** Why the server refuses a request, as an `err` or a `pubnack` carries it. */
export interface Refusal {
  code: ErrorCode;
  message: string;
  retry_after_ms?: number;
}

export const refusal = (code: ErrorCode, message: string, retryAfterMs?: number): Refusal => ({
  code,
  message,
  ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
});

/** The same from what a test passed. */
export const requested = ({ code, message, retryAfterMs }: TestRefusal): Refusal =>
  refusal(code, message ?? `refused by the test with ${code}`, retryAfterMs);

/** The code of the close that a refusal is the reason for. */
export function closeCode({ code }: Refusal): number {
  if (code === "unauthorized") return 4401;
  if (code === "forbidden") return 4403;
  if (code === "too_many_connections") return 4429;
  if (code === "authorization_error" || code === "log_error") return 1013;
  return 4400;
}

/** The refusals that the test asked for and that have not been used up. */
export class Refusals {
  #waiting = new Set<{ request: RefusedRequest; refusal: TestRefusal; left: number }>();

  add(request: RefusedRequest, refusal: TestRefusal): () => void {
    const entry = { request, refusal, left: refusal.times ?? 1 };
    this.#waiting.add(entry);
    return () => void this.#waiting.delete(entry);
  }

  /** The refusal of a request, if there is one. */
  take(request: RefusedRequest, channel?: string): Refusal | undefined {
    for (const entry of this.#waiting) {
      const applies = entry.refusal.channel === undefined || entry.refusal.channel === channel;
      if (entry.request !== request || !applies) continue;
      if (--entry.left <= 0) this.#waiting.delete(entry);
      return requested(entry.refusal);
    }
    return undefined;
  }
}
