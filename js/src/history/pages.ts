// What a page of history must be, and what it leads to. Pure.
import type { Message } from "../types.js";

/** The answer to one `read`. */
export type Answer =
  | { name: "page"; epoch: string; first: number; messages: Message<never>[] }
  | { name: "rejected"; code: string; message: string; retryAfterMs: number | undefined }
  | { name: "malformed"; what: string };

type Fields = Record<string, unknown>;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((text) => typeof text === "string");

/** Reads a frame that has the `ref` of a `read`. */
export function answerOf({ op, epoch, first, n, ids, data, code, message, retry_after_ms }: Fields): Answer {
  if (op === "readnack") {
    const retryAfterMs = isCount(retry_after_ms) ? retry_after_ms : undefined;
    return { name: "rejected", code: `${code}`, message: `${message ?? code}`, retryAfterMs };
  }
  const isPage = typeof epoch === "string" && isCount(first) && isCount(n) && isTexts(ids) && Array.isArray(data);
  if (!isPage || data.length !== ids.length) return { name: "malformed", what: "`page` without valid fields" };
  const messages = ids.map((id, i) => ({ id, offset: n + i, data: data[i] as never, replayed: true }));
  return { name: "page", epoch, first, messages };
}

/** Whether the server announces that it answers `read`. `welcome` is the first frame of a connection. */
export function canRead(welcome: unknown): boolean {
  try {
    const { op, features } = JSON.parse(welcome as string) as Fields;
    return op === "welcome" && isTexts(features) && features.includes("read");
  } catch {
    return false;
  }
}
