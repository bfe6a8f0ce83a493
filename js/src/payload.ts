import { invalid } from "./error.js";
import { bytes } from "./text.js";

/** A payload as JSON, which the caller cannot change later, and its size. It is serialized here, and nowhere else. */
export function toJson(data: unknown): { _json: string; _size: number } {
  const json = JSON.stringify(data) as string | undefined;
  if (json === undefined) throw invalid("bad_data", "payload", data, "pass a JSON value");
  return { _json: json, _size: bytes(json) };
}
