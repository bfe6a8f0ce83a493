import { bytes, isText } from "../text.js";
import type { Position } from "../types.js";
import { type Refusal, refusal } from "./refusal.js";

/** A frame from a client. `data` is JSON text. */
export type ClientFrame =
  | { op: "hello"; v: number; client_id: string; lineage?: string; token?: string; ordered?: boolean }
  | { op: "sub"; ch: string; credit: number; position?: Position; from?: "start" | "tail"; ref?: number }
  | { op: "more"; ch: string; credit: number }
  | { op: "unsub"; ch: string }
  | { op: "pub"; ch: string; key: string; data: string }
  | { op: "cast"; ch: string; data: string }
  | { op: "ack"; ch: string; epoch: string; offset: number; id?: string }
  | { op: "token"; token: string }
  | { op: "read"; ch: string; limit: number; ref: number; before?: number }
  | { op: "ping" };

/** The fields that each op requires. */
const REQUIRED: Record<ClientFrame["op"], readonly string[]> = {
  hello: ["v", "client_id"],
  sub: ["ch", "credit"],
  more: ["ch", "credit"],
  unsub: ["ch"],
  pub: ["ch", "key", "data"],
  cast: ["ch", "data"],
  ack: ["ch", "epoch", "offset"],
  token: ["token"],
  read: ["ch", "limit", "ref"],
  ping: [],
};

const NOT_JSON = "not a frame: it is not JSON";
const WRONG_FIELD = "not a frame: a field is missing or of the wrong type";

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isId = (value: unknown) => typeof value === "string" && /^\d+-\d+$/.test(value);

/** The type of each field, whichever op it is in. */
const FIELDS: Record<string, (value: unknown) => boolean> = {
  op: isText,
  v: isCount,
  client_id: isText,
  lineage: isText,
  token: isText,
  ordered: (value) => typeof value === "boolean",
  ch: isText,
  position: isPosition,
  from: (value) => value === "start" || value === "tail",
  credit: isCount,
  ref: isCount,
  key: isText,
  epoch: isText,
  offset: isCount,
  id: isId,
  before: isCount,
  limit: isCount,
  data: () => true,
};

function isPosition(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { epoch, offset, id = null } = value;
  return isText(epoch) && isCount(offset) && (id === null || isId(id));
}

const hasSurrogate = (value: unknown) => typeof value === "string" && !isText(value);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isOp = (op: unknown): op is ClientFrame["op"] => typeof op === "string" && Object.hasOwn(REQUIRED, op);

/** Reads a client's frame. An unknown op is not the client's mistake: it may be newer than the server. */
export function parse(text: string): ClientFrame | { op: "unknown"; name: string } | Refusal {
  const frame = fieldsOf(text);
  if (!isObject(frame)) return refusal("bad_frame", frame);
  const { op = "" } = frame;
  if (isText(op) && op !== "" && !isOp(op)) return { op: "unknown", name: op };
  const fields = Object.entries(frame).filter(([name, value]) => isGiven(name, value));
  const wrong = fields.find(([name, value]) => !FIELDS[name]!(value));
  // A text with a lone surrogate cannot be in a frame, which is UTF-8.
  if (wrong) return refusal("bad_frame", hasSurrogate(wrong[1]) ? NOT_JSON : WRONG_FIELD);
  if (!isOp(op)) return refusal("bad_frame", "the frame has no `op`");
  const read = new Map(fields);
  const missing = REQUIRED[op].find((name) => !read.has(name));
  if (missing) return refusal("bad_frame", `\`${op}\` needs the field \`${missing}\``);
  if (read.has("data")) read.set("data", JSON.stringify(frame.data));
  return Object.fromEntries(read) as unknown as ClientFrame;
}

/** Unknown fields are ignored. `null` is the same as no field, except for a payload. `op` may not be `null`. */
function isGiven(name: string, value: unknown): boolean {
  return Object.hasOwn(FIELDS, name) && (value !== null || name === "data" || name === "op");
}

/** The object in a text, or what is wrong with the text. */
function fieldsOf(text: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : WRONG_FIELD;
  } catch {
    return NOT_JSON;
  }
}

/** A frame from the server, as text. */
export const write = (op: string, fields: object = {}): string => JSON.stringify({ op, ...fields });

const hasLength = (text: string, max: number) => text !== "" && bytes(text) <= max;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are not allowed
const CONTROL = /[\0-\x1f\x7f]/;

export function checkChannel(ch: string): Refusal | undefined {
  if (hasLength(ch, 200) && !CONTROL.test(ch) && !/^ | $/.test(ch)) return undefined;
  const rule = "a channel name has 1 to 200 bytes, no control characters, no space at either end";
  return refusal("bad_channel", rule);
}

export function checkKey(key: string): Refusal | undefined {
  return hasLength(key, 200) ? undefined : refusal("bad_key", "an idempotency key has 1 to 200 bytes");
}

/** Checks the names in `hello`. */
export function checkNames(clientId: string, lineage: readonly string[]): Refusal | undefined {
  if (!hasLength(clientId, 200)) return refusal("bad_frame", "`client_id` has 1 to 200 bytes");
  if (lineage.length <= 8 && lineage.every((name) => hasLength(name, 40) && !CONTROL.test(name))) return undefined;
  return refusal("bad_frame", "`lineage` has 1 to 8 names of 1 to 40 bytes, separated by single spaces");
}

/** A name as an answer repeats it: as many whole characters as fit into 200 bytes. */
export function truncated(name: string): string {
  let short = "";
  for (const character of name.slice(0, 200)) {
    if (bytes(short + character) > 200) break;
    short += character;
  }
  return short;
}
