import type { Transaction } from "../transaction.js";
import { checkMethods, databaseOptions } from "./check.js";
import { transactionOf } from "./commit.js";
import { keptOpen, resultOf } from "./keep-open.js";
import { checkPositions } from "./position.js";
import type { DatabaseOptions } from "./types.js";

/** An `IDBTransaction`, or one of the package `idb`. */
export interface IndexedDbTransactionLike {
  readonly error: unknown;
  /** Of the package `idb`. */
  readonly done?: Promise<unknown> | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: the package `idb` has types of its own for names and stores
  objectStore(name: any): any;
  abort(): void;
  addEventListener(type: "complete" | "abort", listener: () => void): void;
}

/** An `IDBDatabase`, or one of the package `idb`. */
export interface IndexedDbLike<X> {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  transaction(stores: any, mode: "readwrite"): X;
}

/**
 * A transaction in the mode `"readwrite"`. The compiler does not infer the mode of one of the package `idb`, so that its
 * methods that write might be missing.
 */
export type ReadWrite<X> = X extends {
  readonly done: Promise<unknown>;
  readonly mode: infer Mode;
  objectStore(name: infer Name): infer Store;
}
  ? "readonly" extends Mode
    ? Omit<X, "objectStore"> & { objectStore(name: Name): { [K in keyof Store]: NonNullable<Store[K]> } }
    : X
  : X;

const DATABASE = "a database of IndexedDB";

/**
 * Commits what a listener does, and the position, in a transaction of IndexedDB. Pass the result as the option
 * `transaction` of a channel. The listener's second argument is the transaction.
 *
 * @param database the open database, of the platform or of the package `idb`, or a function that returns it. A function
 *   is called before each transaction, and may open the database again if the browser has closed it.
 * @param stores the object stores that the listener uses.
 */
export function indexedDbTransaction<X extends IndexedDbTransactionLike>(
  database: IndexedDbLike<X> | (() => IndexedDbLike<X> | Promise<IndexedDbLike<X>>),
  stores: readonly string[],
  options: DatabaseOptions = {},
): Transaction<ReadWrite<X>> {
  if (typeof database !== "function") checkMethods(DATABASE, database, "transaction");
  const { names, positions, key, listenerTimeoutMs } = databaseOptions("indexedDbTransaction", stores, options);
  const transaction = transactionOf<X>(
    {
      run: async (body) => {
        const opened = typeof database === "function" ? await database() : database;
        checkMethods(DATABASE, opened, "transaction");
        const transaction = opened.transaction(names, "readwrite");
        const committed = commitOf(transaction);
        const work = keptOpen(transaction.objectStore(positions), body(transaction), listenerTimeoutMs);
        await work.catch(async (error) => {
          abort(transaction);
          await committed.catch(() => {});
          throw transaction.error ?? error;
        });
        await committed;
      },
      read: (transaction, name) => {
        const store = transaction.objectStore(positions);
        checkPositions(store);
        return resultOf(store.get(name)) as never;
      },
      // The commit waits for it, and fails with it.
      write: (transaction, name, position) => {
        resultOf(transaction.objectStore(positions).put(position, name)).catch(() => {});
      },
    },
    key,
  );
  return transaction as Transaction<ReadWrite<X>>;
}

/** Resolves when the transaction has committed. */
function commitOf(transaction: IndexedDbTransactionLike): Promise<void> {
  transaction.done?.catch(() => {}); // the same is reported here
  const committed = new Promise<void>((resolve, reject) => {
    const fail = () =>
      reject(transaction.error ?? new DOMException("the listener aborted the transaction", "AbortError"));
    transaction.addEventListener("complete", () => resolve());
    transaction.addEventListener("abort", fail);
  });
  committed.catch(() => {}); // it may fail before anything waits for it
  return committed;
}

function abort(transaction: IndexedDbTransactionLike): void {
  try {
    transaction.abort();
  } catch {
    // It has ended already.
  }
}
