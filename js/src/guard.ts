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

function isThenable(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}
