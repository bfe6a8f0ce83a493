import { invalid } from "./error.js";
import { bytes } from "./text.js";

/** A payload as JSON, which the caller cannot change later, and its size. */
export type Payload = { _json: string; _size: number };

/** Serializes a payload, which happens nowhere else. Its `toJSON` may do anything, including closing the client. */
export function toJson(data: unknown): Payload {
  const json = JSON.stringify(data) as string | undefined;
  if (json === undefined) throw invalid("bad_data", "payload", data, "pass a JSON value");
  return { _json: json, _size: bytes(json) };
}
