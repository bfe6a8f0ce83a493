// Strings that UTF-8 cannot encode: a lone surrogate would become U+FFFD on the way, so two different strings would become
// the same. They are refused by name at the call. A payload may have them, because JSON has an escape.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));
const LONE = ["\ud800", "\udfff", "a\ud83d", "\ude00b", "\ude00\ud83d", "😀\ud83d"];
const PAIRS = ["😀", "a😀b", "\ufffd", "é"];

function setUp(t, options = {}) {
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", { wasm, logger: {}, backoff: { initialMs: 1, maxMs: 5 }, ...options });
  t.after(() => client.close());
  return { server, client };
}

const refusal = (what, shown, expected) => `invalid ${what}: ${shown}; pass ${expected}`;

for (const text of LONE) {
  const shown = JSON.stringify(text);

  test(`${shown} is refused in channel names, keys and positions`, async (t) => {
    const { client } = setUp(t);
    assert.throws(() => client.channel(text), {
      code: "bad_channel",
      message: refusal("channel name", shown, "a well-formed string of 1 to 200 bytes"),
    });
    for (const position of [{ epoch: text }, { id: text }]) {
      const from = { epoch: "e", offset: 1, ...position };
      assert.throws(() => client.channel("c", { from }), {
        code: "bad_option",
        message: /^invalid option of channel "from"/,
      });
    }
    const published = client.channel("c").publish(1, { key: text });
    const message = refusal('option of publish "key"', shown, "a well-formed string");
    await assert.rejects(published, { code: "bad_option", message });
  });

  test(`${shown} is refused in options and URLs`, () => {
    const refused = (options, name, expected, value = shown) =>
      assert.throws(() => connect("ws://example.org/ws", { wasm, ...options }), {
        code: "bad_option",
        message: refusal(`option${name}`, value, `a well-formed string${expected}`),
      });
    refused({ clientId: text }, ' "clientId"', " of 1 to 200 bytes");
    refused({ token: text }, ' "token"', " or a function", '"(hidden)"');
    refused({ dialect: "plain", plain: { idPath: text } }, ' of plain "idPath"', "");
    refused({ dialect: "plain", plain: { numberPath: text } }, ' of plain "numberPath"', " or false");
    const url = `ws://example.org/${text}`;
    assert.throws(() => connect(url, { wasm }), {
      code: "bad_url",
      message: refusal("URL", JSON.stringify(url), "a well-formed absolute URL"),
    });
  });

  test(`a token function that returns ${shown} has failed`, async (t) => {
    const { client } = setUp(t, { token: () => text });
    await until(() => client.state.name === "waiting");
    assert.equal(client.state.reason.code, "token_failed");
    assert.match(client.state.reason.message, /invalid token: "\(hidden\)"; return a well-formed string or null/);
  });

  test(`${shown} in a payload arrives unchanged`, async (t) => {
    const { server, client } = setUp(t);
    const channel = client.channel("c", { from: "start" });
    const seen = [];
    channel.on("message", ({ data }) => void seen.push(data));
    channel.on("cast", (data) => void seen.push(data));
    await channel.publish({ [text]: text });
    channel.cast([text]);
    await until(() => server.ops("cast").length === 1 && seen.length === 1);
    server.send({ op: "cast", ch: "c", data: server.ops("cast")[0].data });
    assert.deepEqual(seen, [{ [text]: text }, [text]]);
  });
}

test("surrogate pairs are accepted everywhere", async (t) => {
  for (const text of PAIRS) {
    const { server, client } = setUp(t, { clientId: text, token: text });
    const channel = client.channel(text, { from: { epoch: text, offset: 0, id: text } });
    channel.on("message", () => {});
    await channel.publish(1, { key: text });
    assert.deepEqual(
      server.ops("hello").map((frame) => [frame.client_id, frame.token]),
      [[text, text]],
    );
    assert.deepEqual(
      server.ops("pub").map(({ ch, key }) => [ch, key]),
      [[text, text]],
    );
    assert.equal(server.ops("sub")[0].position.epoch, text);
  }
});
