import type { Position } from "../types.js";

/** How a database runs a transaction, for {@link customTransaction}. `X` is what listeners get as their second argument. */
export interface TransactionAdapter<X> {
  /**
   * Runs `body` in one transaction: commits when its promise resolves, and rolls back when it rejects. Resolves when the
   * transaction has committed, and rejects if nothing was changed. Runs do not overlap, for one adapter.
   */
  run(body: (transaction: X) => Promise<void>): Promise<unknown>;
  /** Reads the position that is stored under this key, in a transaction. */
  read(transaction: X, key: string): Position | undefined | null | Promise<Position | undefined | null>;
  /** Stores a position under this key, in the same transaction. */
  write(transaction: X, key: string, position: Position): unknown;
}

/** Options of all transactions. */
export interface TransactionOptions {
  /**
   * The key under which the position is stored. Default: the channel's name. Two parts of an application that follow
   * the same channel into the same database need two keys.
   */
  key?: string | undefined;
}

/** Options of {@link indexedDbTransaction} and {@link dexieTransaction}. */
export interface DatabaseOptions extends TransactionOptions {
  /** The name of the object store or table for positions, which has no key path. Default `"positions"`. */
  positions?: string | undefined;
  /**
   * How long a listener may take, in milliseconds. After that its transaction is aborted, and the message is dispatched
   * again. Default 10 s.
   */
  listenerTimeoutMs?: number | undefined;
}

export const LISTENER_TIMEOUT_MS = 10_000;
