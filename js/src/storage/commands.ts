import type { Entry, Limits } from "./entries.js";
import type { Failure } from "./record.js";
import type { StorageChange, StorageRecord } from "./types.js";

/** What the machine needs to know of its surroundings. */
export interface Setup extends Limits {
  /** A random name of this page, or of this client in it. */
  readonly _owner: string;
  /** The tab of this page: all its page loads have the same. */
  readonly _tab: string;
  /** How many publications the client may have unanswered. */
  readonly _clientMax: number;
}

/** What is to be done. */
export type Command =
  /** Read all records, then call `_read` or `_readFailed`. */
  | { do: "read" }
  /** Write all changes or none, then call `_written` or `_writeFailed`. There is one write at a time. */
  | { do: "write"; changes: readonly StorageChange[] }
  /** Another owner has publications. Call `_lives` if it lives now; once it does not, `_adopt` with all records. */
  | { do: "claim"; owner: string }
  /** Send a publication, then call `_answered` or `_refused`. */
  | { do: "send"; entry: Entry }
  /** A publication has failed. */
  | { do: "failed"; entry: Entry; failure: Failure }
  /** A record is damaged, and will be removed. */
  | { do: "damaged"; record: StorageRecord }
  /** The storage has begun to fail. */
  | { do: "report"; error: unknown };
