import type { Transaction } from "../transaction.js";
import { checkMethods, checkMs, checkText } from "./check.js";
import { transactionOf } from "./commit.js";
import { keptOpen, type ObjectStoreLike } from "./keep-open.js";
import { type DatabaseOptions, LISTENER_TIMEOUT_MS } from "./types.js";

/** What the adapter uses of a transaction of Dexie. */
export interface DexieTransactionLike {
  readonly idbtrans: { objectStore(name: string): ObjectStoreLike };
  // biome-ignore lint/suspicious/noExplicitAny: a `Table`
  table(name: string): any;
}

/** What the adapter uses of a database of Dexie. */
export interface DexieLike {
  transaction(
    mode: "rw",
    tables: readonly string[],
    // biome-ignore lint/suspicious/noExplicitAny: the type of a transaction depends on the database
    scope: (transaction: any) => PromiseLike<unknown>,
  ): PromiseLike<unknown>;
}

/**
 * Commits what a listener does, and the position, in a transaction of Dexie. Pass the result as the option `transaction`
 * of a channel. The listener's second argument is the transaction.
 *
 * @param database the database, a `Dexie`.
 * @param tables the names of the tables that the listener uses.
 */
export function dexieTransaction<X extends DexieTransactionLike = DexieTransactionLike>(
  database: DexieLike,
  tables: readonly string[],
  { positions = "positions", key, listenerTimeoutMs = LISTENER_TIMEOUT_MS }: DatabaseOptions = {},
): Transaction<X> {
  checkMethods("a database of Dexie", database, "transaction", "table");
  checkText("positions", positions);
  checkText("key", key);
  checkMs("listenerTimeoutMs", listenerTimeoutMs);
  return transactionOf<X>(
    {
      run: async (body) => {
        await database.transaction("rw", [...tables, positions], (transaction: X) =>
          keptOpen(transaction.idbtrans.objectStore(positions), body(transaction), listenerTimeoutMs),
        );
      },
      read: (transaction, name) => transaction.table(positions).get(name),
      write: (transaction, name, position) => transaction.table(positions).put(position, name),
    },
    key,
  );
}
