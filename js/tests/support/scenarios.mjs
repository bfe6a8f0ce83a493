// What every framework's entry must do. `mount(client, element, onRender)` renders an application for one channel, "c" at
// first, and returns how to `rename` the channel, `publish` to it and `unmount`. `show` is what it renders.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../../dist/index.js";
import { FakeServer, until } from "./server.mjs";

const wasm = await readFile(new URL("../../dist/seamline.wasm", import.meta.url));

/** A scripted server, and a client of it. */
export function connected(t) {
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", { wasm, backoff: { initialMs: 1, maxMs: 5 }, logger: {} });
  t.after(() => client.close());
  return { server, client };
}

/** Logs 5,000 messages, which come as a real server sends them: 500 in a frame, and each frame is its own event. */
export function longReplay(server) {
  const log = Array.from({ length: 5000 }, (_, i) => i + 1);
  server.logs.set("c", log);
  server.sub = async ({ ch }) => {
    server.send({ op: "subd", ch, epoch: "e", first: 1, head: 5000, at: 0, resumed: false });
    for (let from = 1; from <= 5000; from += 500) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      server.msgs(ch, from, from + 499, true);
    }
    server.send({ op: "live", ch, head: 5000 });
  };
  return log;
}

/** Tests a framework. `render(client)` is what a server renders. */
export function scenarios(framework, mount, render) {
  function setUp(t) {
    const { server, client } = connected(t);
    const element = document.createElement("div");
    let renders = 0;
    const app = mount(client, element, () => renders++);
    let isMounted = true;
    const unmount = () => {
      if (isMounted) app.unmount();
      isMounted = false;
    };
    t.after(unmount);
    return { server, client, text: () => element.textContent, renders: () => renders, ...app, unmount };
  }

  test(`${framework}: each message is shown once`, async (t) => {
    const { server, client, text } = setUp(t);
    server.logs.set("c", ["a", "b"]);
    await until(() => text() === "open live: a b");
    await client.channel("c").publish("live");
    await until(() => text() === "open live: a b live");
    server.drop();
    server.logs.get("c").push("away");
    await until(() => text() === "open live: a b live away");
  });

  test(`${framework}: 5,000 messages cause fewer than 20 renders`, async (t) => {
    const { server, text, renders } = setUp(t);
    const log = longReplay(server);
    await until(() => text().startsWith("open live:"));
    assert.equal(text(), `open live: ${log.slice(-500).join(" ")}`);
    assert.ok(renders() < 20, `${renders()} renders`);
    t.diagnostic(`${renders()} renders`);
  });

  test(`${framework}: unmounting closes the handle`, async (t) => {
    const { server, text, unmount } = setUp(t);
    server.logs.set("c", ["a"]);
    await until(() => text() === "open live: a");
    unmount();
    await until(() => server.ops("unsub").length === 1);
  });

  test(`${framework}: another name begins a new list`, async (t) => {
    const { server, text, rename } = setUp(t);
    server.logs.set("c", ["a"]);
    server.logs.set("d", ["b"]);
    await until(() => text() === "open live: a");
    rename("d");
    await until(() => text() === "open live: b");
    await until(() => server.ops("unsub").length === 1);
    assert.deepEqual([server.ops("unsub")[0].ch, server.ops("sub").length], ["c", 2]);
  });

  test(`${framework}: a publication becomes its message`, async (t) => {
    const { server, text, publish } = setUp(t);
    const { pub } = server;
    let answer;
    server.pub = (frame) => (answer = () => pub.call(server, frame));
    server.logs.set("c", ["a"]);
    await until(() => text() === "open live: a");
    publish("b");
    await until(() => answer && text() === "open live: a b(pending)");
    answer();
    await until(() => text() === "open live: a b");
    server.pub = ({ ch, key }) => server.send({ op: "pubnack", ch, key, code: "forbidden", message: "not now" });
    publish("c");
    await until(() => text() === "open live: a b c(failed)");
  });

  test(`${framework}: a client that connects again continues`, async (t) => {
    const { server, client, text } = setUp(t);
    server.logs.set("c", ["a"]);
    await until(() => text() === "open live: a");
    await client.close();
    await until(() => text() === "closed: a");
    server.logs.get("c").push("b");
    client.connect();
    await until(() => text() === "open live: a b");
  });

  test(`${framework}: a server renders an empty list`, async (t) => {
    const { server, client } = connected(t);
    for (const given of [client, undefined]) {
      assert.match(await render(given), /connecting:/);
    }
    await until(() => client.state.name === "open");
    assert.deepEqual([server.ops("sub"), server.ops("unsub")], [[], []]);
  });
}
