// A transaction of IndexedDB commits as soon as it has no request, even if a listener still waits for something else. If
// it did, only a part of the listener's effect would be stored. So there is a request until the listener is done.

import { listenerTimedOut } from "./failure.js";

/** What the adapters use of an object store: the platform's, or that of the package `idb`. */
export interface ObjectStoreLike {
  // biome-ignore-start lint/suspicious/noExplicitAny: a request, or a promise
  get(key: any): any;
  put(value: any, key?: any): any;
  // biome-ignore-end lint/suspicious/noExplicitAny: until here
  readonly keyPath?: string | readonly string[] | null | undefined;
}

/** The result of a request. The package `idb` makes promises of its own. */
export function resultOf(request: unknown): Promise<unknown> {
  if (typeof (request as PromiseLike<unknown>).then === "function") return request as Promise<unknown>;
  return new Promise((resolve, reject) => {
    const own = request as IDBRequest;
    own.onsuccess = () => resolve(own.result);
    own.onerror = () => reject(own.error);
  });
}

/**
 * Keeps the transaction of this object store open until `work` settles, and settles like it. Rejects if that takes too
 * long: a listener that waits for another transaction of the same stores would wait forever.
 */
export function keptOpen(store: ObjectStoreLike, work: Promise<void>, listenerTimeoutMs: number): Promise<void> {
  let isDone = false;
  const done = () => void (isDone = true);
  work.then(done, done);
  const until = performance.now() + listenerTimeoutMs;
  return new Promise((resolve, reject) => {
    work.then(resolve, reject);
    const keep = async (): Promise<void> => {
      while (!isDone && performance.now() < until) await resultOf(store.get(""));
      if (!isDone) reject(listenerTimedOut(listenerTimeoutMs));
    };
    keep().catch(() => {}); // the transaction was aborted, or the listener has committed it
  });
}
