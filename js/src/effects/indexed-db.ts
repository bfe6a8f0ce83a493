import type { Transaction } from "../transaction.js";
import { checkMethods, checkMs, checkText } from "./check.js";
import { transactionOf } from "./commit.js";
import { keptOpen, resultOf } from "./keep-open.js";
import { type DatabaseOptions, LISTENER_TIMEOUT_MS } from "./types.js";

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
  { positions = "positions", key, listenerTimeoutMs = LISTENER_TIMEOUT_MS }: DatabaseOptions = {},
): Transaction<X> {
  if (typeof database !== "function") checkMethods("a database of IndexedDB", database, "transaction");
  checkText("positions", positions);
  checkText("key", key);
  checkMs("listenerTimeoutMs", listenerTimeoutMs);
  const names = [...stores, positions];
  return transactionOf<X>(
    {
      run: async (body) => {
        const transaction = (typeof database === "function" ? await database() : database).transaction(
          names,
          "readwrite",
        );
        const committed = commitOf(transaction);
        const work = keptOpen(transaction.objectStore(positions), body(transaction), listenerTimeoutMs);
        await work.catch(async (error) => {
          abort(transaction);
          await committed.catch(() => {});
          throw transaction.error ?? error;
        });
        await committed;
      },
      read: (transaction, name) => resultOf(transaction.objectStore(positions).get(name)) as never,
      // The commit waits for it, and fails with it.
      write: (transaction, name, position) => {
        resultOf(transaction.objectStore(positions).put(position, name)).catch(() => {});
      },
    },
    key,
  );
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
