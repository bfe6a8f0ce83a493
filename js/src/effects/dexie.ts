import type { Transaction } from "../transaction.js";
import { checkMethods, databaseOptions } from "./check.js";
import { transactionOf } from "./commit.js";
import { keptOpen, type ObjectStoreLike } from "./keep-open.js";
import { checkPositions } from "./position.js";
import type { DatabaseOptions } from "./types.js";

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
  options: DatabaseOptions = {},
): Transaction<X> {
  checkMethods("a database of Dexie", database, "transaction", "table");
  const { names, positions, key, listenerTimeoutMs } = databaseOptions("dexieTransaction", tables, options);
  return transactionOf<X>(
    {
      run: async (body) => {
        await database.transaction("rw", names, (transaction: X) =>
          keptOpen(transaction.idbtrans.objectStore(positions), body(transaction), listenerTimeoutMs),
        );
      },
      read: (transaction, name) => {
        checkPositions(transaction.idbtrans.objectStore(positions));
        return transaction.table(positions).get(name);
      },
      write: (transaction, name, position) => transaction.table(positions).put(position, name),
    },
    key,
  );
}
