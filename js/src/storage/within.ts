/** How long a storage may take. Some browsers never answer. */
const STORAGE_MS_MAX = 10_000;

/** Rejects if the storage takes too long. An adapter may also throw. */
export async function within<T>(start: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`the storage has not answered for ${STORAGE_MS_MAX} ms`);
    timer = setTimeout(reject, STORAGE_MS_MAX, error);
  });
  try {
    return await Promise.race([start(), late]);
  } finally {
    clearTimeout(timer);
  }
}
