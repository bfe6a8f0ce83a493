/**
 * Calls into the application. What the call throws, or its promise rejects with, goes to `failed`. Returns a
 * promise if there is something to wait for; it does not reject.
 */
export function guard(
  call: () => unknown,
  failed: (error: unknown) => Promise<unknown> | void,
): Promise<unknown> | void {
  try {
    const result = call();
    if (isThenable(result)) return Promise.resolve(result).then(undefined, failed);
  } catch (error) {
    return failed(error);
  }
}

/** Calls for every item; a promise if there is something to wait for. */
export function all<L>(items: readonly L[], call: (item: L) => Promise<unknown> | void): Promise<unknown> | void {
  let waits: Promise<unknown>[] | undefined;
  for (const item of items) {
    const wait = call(item);
    if (wait) (waits ??= []).push(wait);
  }
  return waits && Promise.all(waits);
}

/** Continues, after the promise if there is one. */
export function then(wait: Promise<unknown> | void, next: () => Promise<unknown> | void): Promise<unknown> | void {
  return wait ? wait.then(next) : next();
}

function isThenable(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}
