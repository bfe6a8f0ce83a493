// Publishes over HTTP as a careful backend does: each message under its own idempotency key, tried
// again until it is acknowledged.

/** When something has failed and nobody answers any more, publishing ends too. */
const PATIENCE_MS = 120_000;
const tooLate = (since) => Date.now() - since > PATIENCE_MS;

/** @returns {Promise<{id: string, offset: number}>} */
export async function publish(url, channel, key, data, headers = {}) {
  for (const since = Date.now(); !tooLate(since); ) {
    try {
      const response = await fetch(`${url()}/channels/${encodeURIComponent(channel)}/messages`, {
        method: "POST",
        headers: { "Idempotency-Key": key, "Content-Type": "application/json", ...headers },
        body: JSON.stringify(data),
        signal: AbortSignal.timeout(5000),
      });
      if (response.ok) return await response.json();
      // 429: too fast. The server asks to wait for less than a second.
      if (response.status < 500 && response.status !== 429) throw new Refused(response.status, await response.text());
    } catch (error) {
      if (error instanceof Refused) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${key} was not acknowledged within ${PATIENCE_MS} ms`);
}

class Refused extends Error {
  constructor(status, text) {
    super(`publishing was refused with ${status}: ${text}`);
  }
}

/**
 * Publishes `count` messages with several workers. `mayPublish(i)` holds message `i` back while it is
 * false; a worker pauses for `pauseMs` after each. Returns each acknowledged key with its offset.
 */
export async function publishMany(url, channel, count, { workers = 8, mayPublish = () => true, pauseMs = 0 } = {}) {
  const acknowledged = new Map();
  let next = 0;
  const work = async () => {
    while (next < count) {
      const i = next++;
      for (const since = Date.now(); !mayPublish(i) && !tooLate(since); )
        await new Promise((resolve) => setTimeout(resolve, 5));
      const key = `message-${i}`;
      const { offset } = await publish(url, channel, key, { key, text: "x".repeat(150) });
      acknowledged.set(key, offset);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return acknowledged;
}
