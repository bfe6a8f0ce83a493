import { invalid, SeamlineError, text } from "./error.js";
import { bytes } from "./text.js";

/** A payload as JSON, which the caller cannot change later, and its size. */
export type Payload = { _json: string; _size: number };

/** Serializes a payload, which happens nowhere else. Its `toJSON` may do anything, including closing the client. */
export function toJson(data: unknown): Payload {
  let json: string | undefined;
  try {
    json = JSON.stringify(data);
  } catch (cause) {
    // A BigInt, a cycle, too deep a nesting, or what `toJSON` throws.
    const [what] = text(cause).split("\n", 1); // the engine draws a cycle over several lines
    throw new SeamlineError("bad_data", `invalid payload: ${what}; pass a JSON value`, { cause });
  }
  if (json === undefined) throw invalid("bad_data", "payload", data, "pass a JSON value");
  return { _json: json, _size: bytes(json) };
}
