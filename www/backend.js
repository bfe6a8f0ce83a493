// Publishes over HTTP, as an application's backend does, and lets the server drop a client.

const RETRY_MS = 500;
/** Browsers open six connections to a host; more workers would only queue. */
const WORKERS = 6;

/**
 * Publishes one message under one idempotency key, and retries until the server answers, so the log stores it once.
 * Returns the message's id and offset.
 */
export async function publish(channel, data, { onRetry = () => {}, signal } = {}) {
  const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const url = `/channels/${encodeURIComponent(channel)}/messages`;
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  for (;;) {
    signal?.throwIfAborted();
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(data), signal }).catch(
      () => null,
    );
    const answer = await response?.json().catch(() => null);
    if (response?.ok && answer) return answer;
    if (response && response.status < 500) throw new Error(answer?.message ?? `the server answered ${response.status}`);
    onRetry();
    await sleep(RETRY_MS);
  }
}

/** Publishes `count` messages, `make(i)` being the data of each, and reports progress after each. */
export async function publishMany(channel, count, make, { onProgress, onRetry }) {
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < count) {
      await publish(channel, make(next++), { onRetry });
      onProgress(++done);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
}

/** Publishes again and again until the signal is aborted. */
export async function publishSteadily(channel, everyMs, make, { onRetry, onProgress, signal }) {
  for (let i = 0; !signal.aborted; i++) {
    try {
      await publish(channel, make(i), { onRetry, signal });
      onProgress(i + 1);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    await sleep(everyMs);
  }
}

/** Lets the server drop a client's sockets; returns how many there were. Needs the server's `--demo`. */
export async function drop(clientId) {
  const response = await fetch(`/debug/drop?client_id=${encodeURIComponent(clientId)}`, { method: "POST" }).catch(
    () => null,
  );
  if (!response) throw new Error("the server does not answer");
  if (response.status === 404 || response.status === 405) throw new Error("the server was not started with --demo");
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return (await response.json()).dropped;
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
