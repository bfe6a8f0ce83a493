import "server-only";

/** Messages of a channel after an offset, over HTTP: `{ epoch, first, head, messages }`. `undefined` without a channel. */
async function read(channel, after, limit) {
  const url = `${process.env.SEAMLINE_HTTP}/channels/${encodeURIComponent(channel)}/messages?after=${after}&limit=${limit}`;
  const response = await fetch(url, { cache: "no-store" });
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`the Seamline server answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** The newest messages, and the position after them, where the client begins. */
export async function newest(channel, count) {
  const first = await read(channel, 0, 1);
  const page = first && (await read(channel, Math.max(0, first.head - count), count));
  if (!page) return { messages: [], position: "start" }; // nobody has published yet
  const { epoch, head, messages } = page;
  return { messages, position: { epoch, offset: messages.at(-1)?.offset ?? head } };
}
