import { messageOf, text } from "../error.js";
import { failed } from "../publications.js";
import type { Entry } from "./entries.js";
import type { Failure } from "./record.js";
import type { StorageRecord } from "./types.js";

/** Why a publication is rejected whose client is closed. */
export function closedFor({ _stored }: Entry): Failure {
  const message = failed(_stored.channel, _stored.key, "the client is closed; the outbox keeps it for the next one");
  return { code: "closed", message };
}

/** The report on a storage that begins to fail. */
export function failing(error: unknown): string {
  return `${messageOf(error)}; until it works again, publications are kept in memory and do not survive the page`;
}

/** The report on a record that cannot be read. */
export function damaged({ key, value }: StorageRecord): string {
  return `removed a damaged publication: record "${key}" is ${text(value, JSON.stringify).slice(0, 200)}`;
}
