// Publications that survive the page, as far as the compiler is concerned.

import { connect, type Outbox, type StoredPublication } from "seamline";
import { custom, indexedDb, memory, type Storage } from "seamline/storage";

const own: Storage = {
  read: async (table, prefix) => [{ key: `${prefix}1`, value: table }],
  write: async (changes) => {
    for (const { table, key, value } of changes) console.assert(value !== undefined, table, key);
  },
};

export const client = connect("wss://example.com/ws", { storage: indexedDb("app", { durability: "strict" }) });
connect("wss://example.com/ws", { storage: custom("own", own, { messages: 10, bytes: undefined }) });
connect("wss://example.com/ws", { storage: memory({ expireMs: 1000 }) });
export const records = indexedDb("app").read("publications");

declare const outbox: Outbox;
export const list: readonly StoredPublication[] = outbox.list();
for (const publication of list) {
  if (publication.status === "failed") console.error(publication.error.code);
  else console.assert(publication.error === undefined);
}
export const offset: Promise<number> = outbox.retry({ channel: "c", key: "k" }).then((sent) => sent.offset);
export const isGone: boolean = outbox.discard({ channel: "c", key: "k" });
outbox.on("sent", ({ channel, id }) => console.log(channel, id));

// @ts-expect-error there may be no outbox
client.outbox.list();
// @ts-expect-error an adapter has to be wrapped by `custom`
connect("wss://example.com/ws", { storage: own });
// @ts-expect-error no such event
outbox.on("failure", () => {});
