// Runs in a page: publishes numbers to some channels, and continues where earlier pages have stopped.
import { connect } from "/dist/index.js";
import { indexedDb } from "/dist/storage.js";

/**
 * Publishes `total` numbers, 1, 2, 3, … in each channel. What comes next is what neither the log nor the outbox has.
 * Returns a function that reports how far it is.
 */
export async function survive({ socketUrl, httpUrl, channels, total, pauseMs }) {
  const storage = indexedDb("survivor");
  const client = connect(socketUrl, { storage, backoff: { initialMs: 20, maxMs: 200 }, stableMs: 500 });
  const errors = [];
  client.on("error", ({ code, message }) => void errors.push(`${code}: ${message}`));
  await client.outbox.ready();
  const list = client.outbox.list(); // before the log is read: what has left the outbox by then is in the log
  const next = await Promise.all(
    channels.map(async (channel) => {
      const answer = await fetch(`${httpUrl}/channels/${channel}/messages?limit=1000`);
      const { messages = [] } = await answer.json(); // none without a channel
      const waiting = list.filter((publication) => publication.channel === channel);
      return Math.max(0, ...[...messages, ...waiting].map(({ data }) => data)) + 1;
    }),
  );
  const first = [...next];
  const counts = { published: 0, settled: 0, failed: [] };
  const perChannel = total / channels.length;
  void (async () => {
    for (let i = 0; next.some((n) => n <= perChannel); i = (i + 1) % channels.length) {
      if (next[i] > perChannel) continue;
      counts.published++;
      client
        .channel(channels[i])
        .publish(next[i]++)
        .then(
          () => counts.settled++,
          ({ code }) => counts.failed.push(code),
        );
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  })();
  return async () => {
    const done = next.every((n) => n > perChannel); // first: while the rest is read, more is published
    const waiting = client.outbox.list().length;
    const records = await storage.read("publications");
    // The newest number of each channel that the storage has or the log had: it must never be published again.
    const safe = channels.map((channel, i) => {
      const stored = records.filter(({ value }) => value.channel === channel);
      return Math.max(first[i] - 1, ...stored.map(({ value }) => JSON.parse(value.json)));
    });
    const progress = next.reduce((sum, n) => sum + n - 1, 0);
    return { ...counts, first, safe, progress, done, waiting, stored: records.length, errors };
  };
}
