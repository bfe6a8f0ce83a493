// The application's own WebSocket class: whatever it throws, leaves out or calls back, the client continues and reports
// the cause.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));

/** A client of a class that `extend` makes out of the stand-in's; what it does may depend on the socket's number, from 1. */
function setUp(t, extend, options = {}) {
  const server = FakeServer.install();
  server.logs.set("c", ["a"]);
  let sockets = 0;
  const WebSocket = extend(globalThis.WebSocket, () => ++sockets);
  const client = connect("ws://example.org/ws", {
    wasm,
    WebSocket,
    backoff: { initialMs: 1, maxMs: 5 },
    logger: {},
    ...options,
  });
  t.after(() => client.close());
  const reasons = [];
  client.on("state", ({ reason }) => reason && reasons.push(reason));
  const seen = [];
  const channel = client.channel("c", { from: "start" });
  channel.on("message", ({ data }) => void seen.push(data));
  return { server, client, channel, reasons, seen };
}

const hostile = Object.defineProperty(new Error("hidden"), "message", {
  get() {
    throw new Error("no message for you");
  },
});
const UNSAID = "the connection could not be opened";
const THROWN = [
  ["an error", new Error("not today"), "not today"],
  ["a text", "not today", "not today"],
  ["an error that has only a code", Object.assign(new Error(""), { code: "EWHATEVER" }), "EWHATEVER"],
  ["undefined", undefined, UNSAID],
  ["null", null, UNSAID],
  ["a number", 7, UNSAID],
  ["a symbol", Symbol("no"), UNSAID],
  ["an object without a prototype", Object.create(null), UNSAID],
  ["an error whose message cannot be read", hostile, UNSAID],
];

for (const [what, value, message] of THROWN) {
  test(`a constructor that throws ${what} is a failed attempt`, async (t) => {
    const extend = (Base, count) =>
      class extends Base {
        constructor(...args) {
          if (count() < 3) throw value;
          super(...args);
        }
      };
    const { client, seen, reasons } = setUp(t, extend);
    await until(() => seen.length === 1);
    assert.deepEqual(reasons, Array(2).fill({ code: "connect_failed", message, closeCode: 1006 }));
    client.close();
    assert.equal(client.state.name, "closed");
  });

  test(`a send() that throws ${what} ends the connection`, async (t) => {
    const extend = (Base, count) =>
      class extends Base {
        n = count();
        send(text) {
          if (this.n < 3 && JSON.parse(text).op === (this.n === 1 ? "hello" : "sub")) throw value;
          super.send(text);
        }
      };
    const { server, seen, reasons } = setUp(t, extend);
    await until(() => seen.length === 1);
    const said = message === UNSAID ? "the connection was lost" : message;
    assert.deepEqual(reasons, Array(2).fill({ code: "connection_lost", message: said, closeCode: 1006 }));
    assert.deepEqual(
      server.sockets.map(({ closedWith }) => closedWith),
      [1000, 1000, undefined],
    );
  });
}

test("a publication whose send() throws is resent", async (t) => {
  const extend = (Base, count) =>
    class extends Base {
      n = count();
      send(text) {
        if (this.n === 1 && text.includes('"pub"')) throw new Error("out of ink");
        super.send(text);
      }
    };
  const { channel, client, reasons } = setUp(t, extend);
  await until(() => client.state.name === "open");
  assert.equal((await channel.publish("b")).offset, 2);
  assert.deepEqual(
    reasons.map(({ message }) => message),
    ["out of ink"],
  );
});

for (const [when, drop, code] of [
  [
    "opens",
    (server) => {
      server.hello = () => server.sockets.at(-1).onclose();
    },
    "connection_lost",
  ],
  [
    "is open",
    (server) => {
      server.sub = () => server.sockets.at(-1).onclose();
    },
    "connection_lost",
  ],
]) {
  test(`onclose() without an event while the connection ${when} ends it`, async (t) => {
    const { server, seen, reasons } = setUp(t, (Base) => Base);
    drop(server);
    await until(() => reasons.length >= 2);
    delete server.hello;
    delete server.sub;
    await until(() => seen.length === 1);
    assert.equal(reasons[0].code, code);
  });
}

test("an early onclose() without an event is a failed attempt", async (t) => {
  const extend = (Base, count) =>
    class extends Base {
      constructor(...args) {
        super(...args);
        if (count() === 1) {
          Object.defineProperty(this, "onopen", { get: () => () => this.onclose(), set() {} });
        }
      }
    };
  const { seen, reasons } = setUp(t, extend);
  await until(() => seen.length === 1);
  assert.deepEqual(
    reasons.map(({ code, message }) => [code, message]),
    [["connect_failed", UNSAID]],
  );
});

test("unreadable event properties do not stop the client", async (t) => {
  const { server, client, seen, reasons } = setUp(t, (Base) => Base);
  const event = (...names) =>
    Object.defineProperties(
      {},
      Object.fromEntries(
        names.map((name) => [
          name,
          {
            get() {
              throw name;
            },
          },
        ]),
      ),
    );
  await until(() => seen.length === 1);
  server.sockets.at(-1).onclose(event("code", "reason"));
  await until(() => client.stats().connects === 2);
  server.sockets.at(-1).onmessage(event("data"));
  await until(() => client.stats().connects === 3);
  server.sockets.at(-1).onmessage();
  await until(() => client.stats().connects === 4);
  server.sockets.at(-1).onerror(event("message", "error", "code"));
  server.sockets.at(-1).onerror();
  server.sockets.at(-1).onclose({ code: 1006 });
  await until(() => client.stats().connects === 5);
  assert.deepEqual(
    reasons.map(({ code }) => code),
    ["connection_lost", "protocol_error", "protocol_error", "connection_lost"],
  );
});

test("a close() that throws is ignored", async (t) => {
  const extend = (Base) =>
    class extends Base {
      close() {
        throw "cannot close";
      }
    };
  const { server, client, seen } = setUp(t, extend);
  await until(() => seen.length === 1);
  server.send("no frame");
  await until(() => client.stats().connects === 2);
  client.close();
  assert.equal(client.state.name, "closed");
});

test("close() may call handlers and the client synchronously", async (t) => {
  let client;
  let called = 0;
  const extend = (Base) =>
    class extends Base {
      close(code) {
        called++;
        const channel = client.state.name === "closed" ? undefined : client.channel("c");
        channel?.cast("still there?");
        channel?.publish(called).catch(() => {});
        client.stats();
        this.onclose?.({ code, reason: "" });
        super.close(code);
      }
    };
  const set = setUp(t, extend);
  ({ client } = set);
  await until(() => set.seen.length === 1);
  set.server.send("no frame");
  await until(() => client.stats().connects === 2 && set.seen.length === 2);
  client.close();
  assert.deepEqual([called, client.state.name], [2, "closed"]);
});

test("send() may be answered before it returns", async (t) => {
  const extend = (Base) =>
    class extends Base {
      send(text) {
        const frame = JSON.parse(text);
        const { server } = set;
        server.received.push(frame);
        server[frame.op]?.(frame);
      }
    };
  const set = setUp(t, extend);
  const { client, channel, seen } = set;
  await until(() => client.state.name === "open");
  for (let i = 0; i < 3; i++) assert.equal((await channel.publish(i)).offset, i + 2);
  await until(() => seen.length === 4);
  assert.deepEqual([seen, client.stats().connects], [["a", 0, 1, 2], 1]);
});

test("an unusable `bufferedAmount` counts as zero", async (t) => {
  for (const get of [
    () => {
      throw new Error("no");
    },
    () => "much",
    () => NaN,
    () => -1,
  ]) {
    const extend = (Base) =>
      class extends Base {
        constructor(...args) {
          super(...args);
          Object.defineProperty(this, "bufferedAmount", { get });
        }
      };
    const { server, client, channel } = setUp(t, extend);
    await until(() => client.state.name === "open");
    channel.cast("typing");
    await until(() => server.ops("cast").length === 1);
    client.close();
  }
});

test("an unsettable handler is a failed attempt", async (t) => {
  const extend = (Base, count) =>
    class extends Base {
      constructor(...args) {
        super(...args);
        if (count() === 1)
          Object.defineProperty(this, "onclose", {
            get() {
              throw 1;
            },
            set() {
              throw new Error("hands off");
            },
          });
      }
    };
  const { seen, reasons } = setUp(t, extend);
  await until(() => seen.length === 1);
  assert.deepEqual(
    reasons.map(({ code, message }) => [code, message]),
    [["connect_failed", "hands off"]],
  );
});

test("a setter may call its handler synchronously", async (t) => {
  const extend = (Base, count) =>
    class extends Base {
      constructor(...args) {
        super(...args);
        let handler = null;
        if (count() === 1) {
          Object.defineProperty(this, "onclose", {
            get: () => handler,
            set: (value) => ((handler = value), value?.({ code: 4000, reason: "already" })),
          });
        }
      }
    };
  const { seen, reasons } = setUp(t, extend);
  await until(() => seen.length === 1);
  assert.deepEqual(reasons, [{ code: "connect_failed", message: "already", closeCode: 4000 }]);
});

test("an error without a close suggests the page's policy", async (t) => {
  const extend = (Base, count) =>
    class extends Base {
      constructor(...args) {
        super(...args);
        if (count() > 1) return;
        this.readyState = 3;
        Object.defineProperty(this, "onopen", { get: () => () => this.onerror({}), set() {} });
      }
    };
  const { seen, reasons } = setUp(t, extend);
  await until(() => seen.length === 1);
  assert.equal(reasons.length, 1);
  assert.equal(reasons[0].code, "connect_failed");
  assert.match(reasons[0].message, /Content-Security-Policy.*connect-src/);
});
