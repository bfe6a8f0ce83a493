import type { Transaction } from "../transaction.js";
import { checkMethods, checkOptions } from "./check.js";
import { transactionOf } from "./commit.js";
import type { TransactionAdapter, TransactionOptions } from "./types.js";

/**
 * Commits what a listener does, and the position, in a transaction of your database. Pass the result as the option
 * `transaction` of a channel. For IndexedDB and Dexie there are {@link indexedDbTransaction} and
 * {@link dexieTransaction}.
 */
export function customTransaction<X>(adapter: TransactionAdapter<X>, options: TransactionOptions = {}): Transaction<X> {
  checkMethods("the adapter of a transaction", adapter, "run", "read", "write");
  checkOptions("customTransaction", options, ["key"]);
  /** The end of the last run: a connection to a database has one transaction at a time. */
  let last: Promise<unknown> = Promise.resolve();
  const run: typeof adapter.run = (body) => {
    const next = last.then(() => adapter.run(body));
    last = next.then(undefined, () => {});
    return next;
  };
  return transactionOf(
    {
      run,
      read: (tx, name) => adapter.read(tx, name),
      write: (tx, name, position) => adapter.write(tx, name, position),
    },
    options.key,
  );
}
