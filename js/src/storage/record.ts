import { text } from "../error.js";
import { allowed, isName } from "../text.js";
import type { StorageChange, StorageRecord } from "./types.js";

/** The table of publications. */
export const TABLE = "publications";

/** Why a publication failed. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** A publication as it is stored. */
export interface Stored {
  readonly channel: string;
  readonly key: string;
  /** The payload. */
  readonly json: string;
  /** When it was published, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** The page that sends it. */
  readonly owner: string;
  /** The tab that has published it: what its later pages publish comes after it. */
  readonly tab: string;
  /** Set if it failed. It is sent again only if the application asks for that. */
  readonly failure?: Failure | undefined;
}

/** The digits of a sequence number: all that a number has exactly. */
const DIGITS = 16;
/** A damaged key may have a greater one. After it, there would be none for later publications. */
const SEQUENCE_MAX = 2 ** 52;

/** The key of a record. Records are ordered by their sequence numbers, and no two pages use the same key. */
export function placeOf(sequence: number, owner: string): string {
  return `${String(sequence).padStart(DIGITS, "0")}-${owner}`;
}

/** The sequence number of a record, or 0 if the key is not one of ours. */
export function sequenceOf(place: string): number {
  const sequence = Number(/^(\d{16})-/.exec(place)?.[1]);
  return sequence <= SEQUENCE_MAX ? sequence : 0;
}

/** What a record contains; nothing if it is damaged. */
export function readRecord(record: StorageRecord): Stored | undefined {
  try {
    return read(record);
  } catch {
    return undefined; // a getter of an adapter's object
  }
}

function read({ key: place, value }: StorageRecord): Stored | undefined {
  if (place === "" || typeof value !== "object" || value === null) return undefined;
  const { channel, key, json, at, owner, tab, failure } = value as Record<string, unknown>;
  const isNamed = isName(channel) && allowed(channel) && isName(key);
  const texts = [json, owner, tab].every((text) => typeof text === "string");
  if (!isNamed || !texts || !Number.isFinite(at) || !isJson(json as string)) return undefined;
  const stored = { channel, key, json, at, owner, tab } as Stored;
  return failure === undefined ? stored : { ...stored, failure: readFailure(failure) };
}

function readFailure(failure: unknown): Failure {
  const { code, message } = (failure ?? {}) as Partial<Record<keyof Failure, unknown>>;
  return { code: text(code), message: text(message) };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The change that stores a publication. */
export function put(place: string, stored: Stored): StorageChange {
  const { channel, key, json, at, owner, tab, failure } = stored;
  return { table: TABLE, key: place, value: { channel, key, json, at, owner, tab, ...(failure && { failure }) } };
}
