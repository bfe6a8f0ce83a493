// Pages that publish with a storage.
import { until } from "./page.mjs";

/**
 * In a page: a client with the storage `name`, which connects to `port`. `scripts` is where the package lies: pages may
 * have two versions of it. `options` are those of the client that can be written as JSON. What `publish` publishes
 * settles in `settled`: as its number, or the code of its error.
 */
export const openOutbox = (page, { name, port, scripts = "/dist", options = {} }) =>
  page.evaluate(
    async ([name, url, scripts, options]) => {
      const [{ connect }, { indexedDb }] = await Promise.all(
        ["index", "storage"].map((entry) => import(`${scripts}/${entry}.js`)),
      );
      const storage = indexedDb(name);
      const { shared } = options;
      const { tabs } = shared ? await import(`${scripts}/tabs.js`) : {};
      const own = { ...options, ...(shared && { shared: tabs({ name: shared }) }) };
      const client = connect(url, { storage, backoff: { initialMs: 20, maxMs: 100 }, ...own });
      Object.assign(globalThis, { client, storage, errors: [], settled: [] });
      client.on("error", ({ code, message }) => void errors.push([code, message]));
      globalThis.publish = (channel, from, to) => {
        for (let n = from; n <= to; n++) {
          client
            .channel(channel)
            .publish(n)
            .then(
              () => settled.push(n),
              ({ code }) => settled.push(code),
            );
        }
      };
      await client.outbox.ready();
    },
    [name, `ws://127.0.0.1:${port}/ws`, scripts, options],
  );

/** Publishes the numbers from … to … */
export const publish = (page, ...what) => page.evaluate((what) => globalThis.publish(...what), what);

/** How many publications the storage has. */
export const stored = (page) => page.evaluate(async () => (await storage.read("publications")).length);
export const storedAre = (page, count) => until(`${count} are stored`, async () => (await stored(page)) === count);

/** How many publications the page has to send. */
export const waiting = (page) => page.evaluate(() => client.outbox.list().length);

/** What the log of a channel has. */
export async function readLog(server, channel) {
  const { messages = [] } = await (await fetch(`${server.url}/channels/${channel}/messages?limit=1000`)).json();
  return messages.map(({ data }) => data);
}

/** The numbers from … to … */
export const range = (to, from = 1) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
