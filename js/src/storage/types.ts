/** A record of a table. Tables have no schema, and exist as soon as they have a record. */
export interface StorageRecord {
  /** Identifies the record in its table, and orders it: keys are compared by their UTF-16 code units. */
  readonly key: string;
  /** A JSON value. */
  readonly value: unknown;
}

/** Stores a record, in place of the one with the same key. Without a `value`, removes it. */
export interface StorageChange {
  readonly table: string;
  readonly key: string;
  readonly value?: unknown | undefined;
}

/**
 * Where records are kept. Implement it to keep them elsewhere than in IndexedDB, and pass it to {@link custom}. All
 * pages that open the same storage share its records.
 *
 * A method that fails rejects with any error. One that takes longer than 10 s has failed for its caller, and may still
 * take effect later. Otherwise calls take effect in their order, those of all pages: what a page had begun when it ended
 * is complete before a later read, or never.
 */
export interface Storage {
  /** Reads the records whose keys start with `prefix`, in ascending order of their keys. Default: all of the table. */
  read(table: string, prefix?: string): Promise<readonly StorageRecord[]>;
  /** Applies all changes, or none of them. Resolves when they will survive the end of the page. */
  write(changes: readonly StorageChange[]): Promise<void>;
}

/** How much an outbox keeps, and for how long. */
export interface OutboxOptions {
  /** How many publications may wait or have failed. The next one is rejected with `outbox_full`. Default 10,000. */
  messages?: number | undefined;
  /** The same limit in UTF-16 code units of JSON. Default 16 MiB. */
  bytes?: number | undefined;
  /**
   * How long a publication may wait before it is sent, in milliseconds. After that it fails with `expired`. The server
   * must keep idempotency keys for longer (`--retain-keys`). At most 2,147,483,647. Default: 7 days.
   */
  expireMs?: number | undefined;
}

/** Options of {@link indexedDb}. */
export interface IndexedDbOptions extends OutboxOptions {
  /**
   * `"relaxed"`: a publication survives the end of the page and of the browser's process. `"strict"`: also a power
   * failure, where the browser supports that; each write takes longer. Default `"relaxed"`.
   */
  durability?: "relaxed" | "strict" | undefined;
}
