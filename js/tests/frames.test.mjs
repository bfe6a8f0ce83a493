// How the fields of a frame are read: one rule per field, on both sides of the boundary.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));

function setUp(t) {
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", { wasm, logger: {}, backoff: { initialMs: 1, maxMs: 5 } });
  t.after(() => client.close());
  return { server, client };
}

for (const text of ["[]", "[{}]", '[{"op":"pong"}]', "null", "1", '"text"', "", "{"]) {
  test(`${text || "an empty text"} is a bad frame`, async (t) => {
    const { server, client } = setUp(t);
    await until(() => client.state.name === "open");
    server.send(text);
    assert.equal(server.sockets[0].closedWith, 4400);
    await until(() => client.stats().connects === 2);
  });
}

test("`ids` and `data` must be arrays", async (t) => {
  const { server, client } = setUp(t);
  client.channel("c", { from: "start" }).on("message", () => {});
  await until(() => server.ops("sub").length === 1);
  server.send({ op: "msgs", ch: "c", n: 1, ids: { length: 1, 0: "1000-1" }, data: { length: 1, 0: "a" } });
  assert.equal(server.sockets[0].closedWith, 4400);
});

for (const replay of [1, "yes", {}, [], null, false]) {
  test(`\`replay\`: ${JSON.stringify(replay)} means live`, async (t) => {
    const { server, client } = setUp(t);
    server.logs.set("c", ["a", "b", "c"]);
    server.sub = ({ ch, ref }) => {
      server.send({ op: "subd", ch, epoch: "e", first: 1, head: 2, at: 0, resumed: false, ref });
      // A live one waits for the replay; a replayed one would show a hole, and be asked for again.
      server.send({ op: "msgs", ch, n: 3, ids: ["1000-3"], data: ["c"], replay });
      server.msgs(ch, 1, 2, true);
      server.send({ op: "live", ch, head: 2 });
    };
    const seen = [];
    client.channel("c", { from: "start" }).on("message", ({ data, replayed }) => void seen.push(`${data} ${replayed}`));
    await until(() => seen.length === 3);
    assert.deepEqual(seen, ["a true", "b true", "c false"]);
    assert.equal(server.ops("sub").length, 1);
  });
}

test("unknown fields of a `msgs` frame are ignored", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", []);
  const channel = client.channel("c", { from: "start" });
  const seen = [];
  channel.on("message", (message) => void seen.push(message));
  await until(() => server.ops("sub").length === 1);
  server.send({
    op: "msgs",
    ch: "c",
    n: 1,
    ids: ["1000-1"],
    data: ["a"],
    at: "9-9",
    position: "9-9",
    id: "9-9",
    epoch: "x",
  });
  assert.deepEqual(seen, [{ id: "1000-1", offset: 1, data: "a", replayed: false }]);
  assert.deepEqual([channel.lastMessageId, channel.position], ["1000-1", { epoch: "e", offset: 1, id: "1000-1" }]);
});

for (const id of ["", "7", "a-b", "1-2-3", "+1-0", "99999999999999999999-0"]) {
  test(`an application's id ${JSON.stringify(id)} is not sent`, async (t) => {
    const { server, client } = setUp(t);
    client.channel("c", { from: { epoch: "e", offset: 3, id } }).on("message", () => {});
    await until(() => server.ops("sub").length === 1);
    assert.deepEqual(server.ops("sub")[0].position, { epoch: "e", offset: 3 });
  });
}

test("an application's id is sent", async (t) => {
  const { server, client } = setUp(t);
  const position = { epoch: "e", offset: 3, id: "17999999999999999999-0" };
  client.channel("c", { from: position }).on("message", () => {});
  await until(() => server.ops("sub").length === 1);
  assert.deepEqual(server.ops("sub")[0].position, position);
});
