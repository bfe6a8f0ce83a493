// `seamline/effects` in the plain dialect. With numbers, a page continues after the last commit. Without, the server is
// asked for what came in the time by which messages may be out of order, so rows may be repeated, and none is missing.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { DATABASES, newOrigin } from "./support/databases.mjs";
import { until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline-plain.wasm", import.meta.url));

/** A server that replays what comes after `last_message_id`. */
class Socket {
  static log = [];
  bufferedAmount = 0;

  constructor(url) {
    const last = Number(new URL(url).searchParams.get("last_message_id") ?? 0);
    queueMicrotask(() => {
      this.onopen?.({});
      for (const message of Socket.log.filter(({ id }) => id > last))
        this.onmessage?.({ data: JSON.stringify(message) });
    });
  }

  send() {}
  close() {}
}

const ALL = ["m1", "m2", "m3", "m4"];
const EXPECTED = {
  ids: ["misses nothing", (rows) => assert.deepEqual([...new Set(rows)], ALL)],
  numbers: ["continues after the last commit", (rows) => assert.deepEqual(rows, ALL)],
};

for (const [kind, log] of Object.entries({
  ids: [1, 2, 3, 4].map((id) => ({ id, text: `m${id}` })),
  numbers: [1, 2, 3, 4].map((id) => ({ id, sequence_number: id, text: `m${id}` })),
})) {
  const [does, isExpected] = EXPECTED[kind];
  test(`with ${kind}, a new page ${does}`, async (t) => {
    newOrigin();
    const db = await DATABASES.IndexedDB();
    t.after(() => db.close());
    const errors = [];
    const open = () => {
      const client = connect("ws://example.org/ws", { dialect: "plain", wasm, logger: {}, WebSocket: Socket });
      t.after(() => client.close());
      const room = client.channel("room", { transaction: db.transaction, redeliver: { attempts: 3, delayMs: 1 } });
      room.on("error", (error) => errors.push(error));
      room.on("message", ({ data }, tx) => db.add(tx, data.text));
      return client;
    };
    Socket.log = log.slice(0, 2);
    const first = open();
    await until(async () => (await db.rows()).length === 2);
    await first.close();
    Socket.log = log;
    open();
    await until(async () => errors.length > 0 || (await db.rows()).at(-1) === "m4");
    assert.deepEqual(errors, []);
    isExpected(await db.rows());
  });
}
