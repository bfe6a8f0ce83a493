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
  /** The page that has published it, or its latest successor: what that one publishes comes after it. */
  readonly page: string;
  /** Set if it failed. It is sent again only if the application asks for that. */
  readonly failure?: Failure | undefined;
}

/** The digits of a sequence number: all that a number has exactly. */
const DIGITS = 16;

/** The key of a record. Records are ordered by their sequence numbers, and no two pages use the same key. */
export function placeOf(sequence: number, owner: string): string {
  return `${String(sequence).padStart(DIGITS, "0")}-${owner}`;
}

/** The sequence number of a record, or 0 if the key is not one of ours. */
export function sequenceOf(place: string): number {
  const sequence = Number(/^(\d{16})-/.exec(place)?.[1]);
  return Number.isSafeInteger(sequence) ? sequence : 0;
}

/** What a record contains; nothing if it is damaged. */
export function readRecord({ value }: StorageRecord): Stored | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { channel, key, json, at, owner, page, failure } = value as Record<string, unknown>;
  const texts = [channel, key, json, owner, page].every((text) => typeof text === "string");
  if (!texts || !Number.isFinite(at) || !isJson(json as string)) return undefined;
  const stored = { channel, key, json, at, owner, page } as Stored;
  return failure === undefined ? stored : { ...stored, failure: readFailure(failure) };
}

function readFailure(failure: unknown): Failure {
  const { code, message } = (failure ?? {}) as Partial<Record<keyof Failure, unknown>>;
  return { code: String(code), message: String(message) };
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
  const { channel, key, json, at, owner, page, failure } = stored;
  return { table: TABLE, key: place, value: { channel, key, json, at, owner, page, ...(failure && { failure }) } };
}
