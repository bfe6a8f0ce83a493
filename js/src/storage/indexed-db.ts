import { storageFailed } from "./adapter-error.js";
import type { Storage, StorageChange, StorageRecord } from "./types.js";

/** The version of the layout: one object store, whose keys are `[table, key]`. Tables need no change of it. */
const VERSION = 1;
const STORE = "records";

/** How long another tab may take to close a database of another version. */
const BLOCKED_MS = 3_000;

/** A storage in IndexedDB. */
export class IndexedDbAdapter implements Storage {
  #name: string;
  #durability: "relaxed" | "strict";
  #version: number;
  #database: Promise<IDBDatabase> | undefined;

  constructor(name: string, durability: "relaxed" | "strict" = "relaxed", version = VERSION) {
    this.#name = `seamline:${name}`;
    this.#durability = durability;
    this.#version = version;
  }

  read(table: string, prefix = ""): Promise<readonly StorageRecord[]> {
    return this.#transact("readonly", (store) => {
      // Arrays are greater than strings.
      const range = IDBKeyRange.bound([table, prefix], [table, []]);
      const [keys, values] = [store.getAllKeys(range), store.getAll(range)];
      return () => {
        const records = keys.result.map((key, i) => ({ key: String((key as string[])[1]), value: values.result[i] }));
        return records.filter(({ key }) => key.startsWith(prefix));
      };
    });
  }

  write(changes: readonly StorageChange[]): Promise<void> {
    return this.#transact("readwrite", (store) => {
      for (const { table, key, value } of changes) {
        if (value === undefined) store.delete([table, key]);
        else store.put(value, [table, key]);
      }
      return () => {};
    });
  }

  /** Runs requests in a transaction. `begin` returns a function for their results. */
  async #transact<T>(mode: "readonly" | "readwrite", begin: (store: IDBObjectStore) => () => T): Promise<T> {
    try {
      const database = await this.#open();
      return await new Promise<T>((resolve, reject) => {
        const transaction = database.transaction(STORE, mode, { durability: this.#durability });
        transaction.onabort = () => reject(transaction.error ?? new DOMException("it was aborted", "AbortError"));
        try {
          const results = begin(transaction.objectStore(STORE));
          transaction.oncomplete = () => resolve(results());
        } catch (error) {
          transaction.abort(); // or the requests before would take effect
          throw error;
        }
      });
    } catch (error) {
      // Whatever it was, the next attempt opens the database again.
      this.#close();
      throw storageFailed(`cannot use the IndexedDB database "${this.#name}"`, error);
    }
  }

  #open(): Promise<IDBDatabase> {
    const opened = (this.#database ??= open(this.#name, this.#version));
    opened.then(
      (database) => {
        // Another tab upgrades or deletes it, or the browser closes it.
        database.onversionchange = () => this.#close();
        database.onclose = () => this.#close();
      },
      () => {},
    );
    return opened;
  }

  #close(): void {
    this.#database?.then(
      (database) => database.close(),
      () => {},
    );
    this.#database = undefined;
  }
}

/** Chromium replaces a database that was damaged, and reports it here. Firefox replaces it silently. */
type LossEvent = IDBVersionChangeEvent & { readonly dataLoss?: "none" | "total" };

/** Opens a database, which is created if it is missing. */
function open(name: string, version: number): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    // In some browsers, reading the property throws already.
    const factory = globalThis.indexedDB as IDBFactory | undefined;
    if (!factory) throw new DOMException("there is no IndexedDB here", "InvalidStateError");
    const request = factory.open(name, version);
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isLate = false;
    let hasLoss = false;
    const refuse = (error: unknown) => {
      clearTimeout(timer);
      reject(error);
    };
    request.onblocked = () => {
      timer = setTimeout(() => {
        isLate = true;
        refuse(new DOMException("another tab has it open in another version", "BlockedError"));
      }, BLOCKED_MS);
    };
    request.onupgradeneeded = (event) => {
      hasLoss = (event as LossEvent).dataLoss === "total";
      if (!request.result.objectStoreNames.contains(STORE)) request.result.createObjectStore(STORE);
    };
    request.onerror = () => refuse(request.error);
    request.onsuccess = () => {
      clearTimeout(timer);
      if (isLate || hasLoss) request.result.close();
      else resolve(request.result);
      if (hasLoss) refuse(new DOMException("it was damaged, and the browser has replaced it", "DataLossError"));
    };
  });
}
