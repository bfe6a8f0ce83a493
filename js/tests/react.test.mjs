// seamline/react, in React 18 and 19, on the real wasm and a server that is scripted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { installPage, load } from "./support/frameworks.mjs";
import { connected, scenarios } from "./support/scenarios.mjs";
import { until } from "./support/server.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
installPage();

const REACT_18 = Object.fromEntries(
  ["react", "react-dom"].map((name) => [name, at(`frameworks/react-18/node_modules/${name}`)]),
);

for (const [major, alias] of [
  ["18", REACT_18],
  ["19", {}],
]) {
  const react = await load("react-app.mjs", {
    platform: "node",
    alias: { ...alias, "seamline/react": at("../src/frameworks/react.ts") },
  });
  const h = react.createElement;

  scenarios(`React ${major}`, react.mount, react.renderToString);

  /** A client, and a page that renders `component` below its provider, in StrictMode. */
  function setUp(t) {
    const { server, client } = connected(t);
    const element = document.createElement("div");
    const root = react.createRoot(element);
    t.after(() => root.unmount());
    const render = (component, props) => {
      const provider = h(react.SeamlineProvider, { client }, h(component, props));
      react.flushSync(() => root.render(h(react.StrictMode, null, provider)));
    };
    return { server, client, root, render, text: () => element.textContent };
  }

  /** A component that shows a channel's messages, and the data of what it has rendered. */
  function list(options = () => ({ from: "start" })) {
    const renders = [];
    const List = ({ name = "c" }) => {
      const { messages, ...rest } = react.useMessages(name, options());
      const data = messages.map((message) => message.data);
      renders.push({ ...rest, data });
      return data.join(" ");
    };
    return { List, renders };
  }

  test(`React ${major} is the version that is tested`, () => assert.match(react.version, new RegExp(`^${major}\\.`)));

  test(`React ${major}: inline options keep the subscription`, async (t) => {
    const { server, render, text } = setUp(t);
    server.logs.set("c", ["a"]);
    let offset = 0;
    const { List, renders } = list(() => ({ from: { epoch: "e", offset }, redeliver: { attempts: 1 } }));
    render(List);
    await until(() => text() === "a");
    offset = 1;
    for (let i = 0; i < 10; i++) render(List);
    assert.ok(renders.length > 10);
    assert.deepEqual([server.ops("sub").length, server.ops("unsub").length, text()], [1, 0, "a"]);
  });

  test(`React ${major}: a list that was suspended continues`, async (t) => {
    const { server, client, render, text } = setUp(t);
    server.logs.set("c", ["a"]);
    let resolve;
    const wait = new Promise((done) => (resolve = done));
    let isBusy = false;
    const { List, renders } = list();
    const Suspends = () => {
      if (isBusy) throw wait;
      return null;
    };
    const App = () => h(react.Suspense, { fallback: "…" }, h(List), h(Suspends));
    render(App);
    await until(() => text() === "a");
    isBusy = true;
    render(App);
    await until(() => text().endsWith("…"));
    await client.channel("c").publish("b");
    isBusy = false;
    resolve();
    await until(() => text() === "a b");
    assert.deepEqual(renders.at(-1).gaps, []);
  });

  test(`React ${major}: a hidden list closes its handle and continues`, {
    skip: react.Activity ? false : "this React has no <Activity>",
  }, async (t) => {
    const { server, client, render, text } = setUp(t);
    server.logs.set("c", ["a"]);
    const { List, renders } = list();
    const App = ({ mode }) => h(react.Activity, { mode }, h(List));
    render(App, { mode: "visible" });
    await until(() => text() === "a");
    render(App, { mode: "hidden" });
    await until(() => server.ops("unsub").length === 1);
    await client.channel("c").publish("b");
    render(App, { mode: "visible" });
    await until(() => text() === "a b");
    assert.deepEqual([renders.at(-1).gaps, server.ops("sub").at(-1).position.offset], [[], 1]);
  });

  test(`React ${major}: a gap is in the list, after its message`, async (t) => {
    const { server, render, text } = setUp(t);
    server.logs.set("c", ["a", "b", "c"]);
    const { List, renders } = list();
    render(List);
    await until(() => text() === "a b c");
    server.logs.get("c").push("lost", "d");
    server.sub = ({ ch, position }) => {
      server.send({ op: "subd", ch, epoch: "e", first: 5, head: 5, at: 4, resumed: false, gap: { from: 4, to: 4 } });
      server.msgs(ch, 5, 5, true);
      server.send({ op: "live", ch, head: 5 });
      assert.equal(position.offset, 3);
    };
    server.drop();
    await until(() => text() === "a b c d");
    assert.deepEqual(renders.at(-1).gaps, [{ from: 4, to: 4, reason: "trimmed", after: "1000-3" }]);
  });

  test(`React ${major}: hydration fills the empty list`, async (t) => {
    const { server, client } = setUp(t);
    server.logs.set("c", ["a"]);
    await until(() => client.state.name === "open");
    const { List, renders } = list();
    const app = h(react.StrictMode, null, h(react.SeamlineProvider, { client }, h("p", null, h(List))));
    const element = document.createElement("div");
    element.innerHTML = react.reactToString(app);
    const errors = [];
    const root = react.hydrateRoot(element, app, { onRecoverableError: (error) => errors.push(error) });
    t.after(() => root.unmount());
    await until(() => element.textContent === "a");
    assert.deepEqual([errors, renders[0].data], [[], []]);
  });

  /** A chat, and what it has rendered: the messages, and each publication with its state. */
  function chat() {
    const renders = [];
    const Chat = () => {
      const { messages } = react.useMessages("c", { from: "start" });
      const { publish, pending } = react.usePublish("c");
      const shown = [...messages.map(({ data }) => data), ...pending.map(({ data, status }) => `${data} (${status})`)];
      renders.push(shown.join(", "));
      chatNow = { publish, pending };
      return null;
    };
    let chatNow;
    return { Chat, renders, now: () => chatNow };
  }

  test(`React ${major}: a publication becomes its message in one render`, async (t) => {
    const { server, render } = setUp(t);
    const { Chat, renders, now } = chat();
    const pub = server.pub;
    let answer;
    server.pub = (frame) => (answer = () => pub.call(server, frame));
    server.logs.set("c", ["a"]);
    render(Chat);
    await until(() => renders.at(-1) === "a");
    now().publish("b");
    await until(() => answer);
    assert.equal(renders.at(-1), "a, b (pending)");
    answer();
    await until(() => renders.at(-1) === "a, b");
    const steps = renders.slice(renders.indexOf("a")).filter((shown, i, all) => shown !== all[i - 1]);
    assert.ok(
      steps.every((step) => ["a", "a, b (pending)", "a, b (sent)", "a, b"].includes(step)),
      steps.join(" | "),
    );
  });

  test(`React ${major}: a message that precedes its answer is shown once`, async (t) => {
    const { server, render } = setUp(t);
    const { Chat, renders, now } = chat();
    render(Chat);
    let answer;
    server.pub = ({ ch, key, data }) => {
      const offset = server.log(ch).push(data);
      server.msgs(ch, offset, offset);
      answer = () => server.send({ op: "puback", ch, key, id: `1000-${offset}`, offset });
    };
    await until(() => server.ops("sub").length > 0);
    now().publish("a");
    await until(() => renders.at(-1) === "a, a (pending)"); // nobody knows yet that it is the same
    answer();
    await until(() => renders.at(-1) === "a");
  });

  test(`React ${major}: a failed publication is retried under its key`, async (t) => {
    const { server, render } = setUp(t);
    const { Chat, renders, now } = chat();
    const pub = server.pub;
    server.pub = ({ ch, key }) => server.send({ op: "pubnack", ch, key, code: "forbidden", message: "not now" });
    render(Chat);
    now().publish("a");
    now().publish("b");
    await until(() => renders.at(-1) === "a (failed), b (failed)");
    const [a, b] = now().pending;
    assert.equal(a.error.code, "forbidden");
    server.pub = pub;
    b.discard();
    a.retry();
    a.retry(); // a second click
    await until(() => renders.at(-1) === "a");
    assert.deepEqual([now().pending, server.logs.get("c")], [[], ["a"]]);
    const keys = server.ops("pub").map(({ key }) => key);
    assert.deepEqual([keys.length, keys[2]], [3, keys[0]]);
  });

  test(`React ${major}: useChannel returns one object that works in effects`, async (t) => {
    const { server, render, root } = setUp(t);
    const channels = new Set();
    const casts = [];
    const App = () => {
      const channel = react.useChannel("c", { from: "tail" });
      channels.add(channel);
      react.useEffect(() => channel.on("cast", (data) => casts.push(data)), [channel]);
      return null;
    };
    render(App);
    const before = channels.size;
    render(App);
    render(App);
    await until(() => server.ops("sub").length > 0);
    server.send({ op: "cast", ch: "c", data: "typing" });
    assert.deepEqual([casts, channels.size], [["typing"], before]);
    const [channel] = [...channels].slice(-1);
    assert.equal((await channel.publish("a")).offset, 1);
    root.unmount();
    await until(() => server.ops("unsub").length > 0);
  });

  test(`React ${major}: the connection's state is rendered`, async (t) => {
    const { client, render, text } = setUp(t);
    render(() => react.useConnectionState().name);
    assert.equal(text(), "connecting");
    await until(() => text() === "open");
    await client.close();
    await until(() => text() === "closed");
  });

  test(`React ${major}: mistakes are named`, () => {
    const rendered = (element) => () => react.reactToString(element);
    assert.throws(rendered(h(() => react.useConnectionState().name)), /outside <SeamlineProvider client=\{client\}>/);
    const inProvider = (component) => h(react.SeamlineProvider, { client: undefined }, h(component));
    assert.throws(rendered(inProvider(() => react.useClient().state.name)), /<SeamlineProvider> has no client/);
    assert.throws(rendered(inProvider(() => react.useMessages("c", { limit: 0 }))), /invalid option "limit": 0;/);
  });
}
