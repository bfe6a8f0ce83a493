/**
 * Calls back when a promise settles, unless the returned function is called first. After that the promise, which
 * may stay pending forever, keeps nothing of the caller alive. What `done` throws goes to `failed`.
 */
export function follow<T>(promise: Promise<T>, done: (value: T) => void, failed: (error: unknown) => void): () => void {
  let to: [typeof done, typeof failed] | undefined = [done, failed];
  promise.then((value) => to?.[0](value)).catch((error: unknown) => to?.[1](error));
  return () => (to = undefined);
}
