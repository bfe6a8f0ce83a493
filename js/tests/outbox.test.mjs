// Publications whose messages no list shows yet (src/frameworks/outbox.ts), without a framework.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connected } from "./support/scenarios.mjs";
import { until } from "./support/server.mjs";
import { source } from "./support/source.mjs";

const { MessageStore, NO_PUBLICATIONS, Publisher } = await source("frameworks/outbox", "frameworks/store");

/** A list of the channel "c". */
function list(client, options = { from: "start" }) {
  const store = new MessageStore(client, "c", options);
  return { store, subscribe: () => store.subscribe(() => {}) };
}

test("publications without a list leave when they are stored", async (t) => {
  const { server, client } = connected(t);
  const publisher = new Publisher(client, "c");
  const seen = [];
  t.after(publisher.subscribe(() => seen.push(publisher.getSnapshot().map(({ data, status }) => `${data} ${status}`))));
  publisher.publish("a");
  await until(() => seen.length === 2);
  assert.deepEqual([seen, server.logs.get("c")], [[["a pending"], []], ["a"]]);
});

test("publications are shared, and outlive those who watch", async (t) => {
  const { server, client } = connected(t);
  let answer;
  const { pub } = server;
  server.pub = (frame) => (answer = () => pub.call(server, frame));
  const [one, other] = [new Publisher(client, "c"), new Publisher(client, "c")];
  const stop = one.subscribe(() => {});
  one.publish("a");
  stop();
  assert.equal(other.getSnapshot().length, 1);
  assert.equal(other.getSnapshot(), one.getSnapshot());
  await until(() => answer);
  answer();
  await until(() => other.getSnapshot().length === 0);
});

test("a failure that nobody watches is logged", async (t) => {
  const { server, client } = connected(t);
  const logged = t.mock.method(console, "error", () => {});
  server.pub = ({ ch, key }) => server.send({ op: "pubnack", ch, key, code: "forbidden", message: "not yours" });
  const publisher = new Publisher(client, "c");
  publisher.publish("a");
  await until(() => logged.mock.callCount() > 0);
  const [line, error] = logged.mock.calls[0].arguments;
  assert.deepEqual([line, error.code], ['seamline: channel "c":', "forbidden"]);
  publisher.getSnapshot()[0].discard();
  assert.deepEqual(publisher.getSnapshot(), []);
});

test("a publication to a replaced log is not waited for", async (t) => {
  const { server, client } = connected(t);
  server.logs.set("c", ["a", "b", "c"]);
  const { store, subscribe } = list(client);
  t.after(subscribe());
  await until(() => store.getSnapshot().isLive);
  const publisher = new Publisher(client, "c");
  t.after(publisher.subscribe(() => {}));
  server.pub = ({ ch, key }) => server.send({ op: "puback", ch, key, id: "1000-4", offset: 4 }); // and no message
  publisher.publish("d");
  await until(() => publisher.getSnapshot()[0]?.status === "sent");
  server.epoch = "other";
  server.logs.set("c", ["x"]);
  server.sub = ({ ch }) => {
    server.send({ op: "subd", ch, epoch: "other", first: 1, head: 1, at: 0, resumed: false });
    server.msgs(ch, 1, 1, true);
    server.send({ op: "live", ch, head: 1 });
  };
  server.drop();
  await until(() => publisher.getSnapshot().length === 0);
  await until(() => store.getSnapshot().messages.at(-1).data === "x");
  assert.deepEqual(
    store.getSnapshot().gaps.map(({ reason, after }) => [reason, after]),
    [["epoch_changed", "1000-3"]],
  );
});

test("a list that begins behind a publication releases it", async (t) => {
  const { server, client } = connected(t);
  const { sub } = server;
  let answer;
  server.sub = (frame) => (answer = () => sub.call(server, frame));
  server.pub = ({ ch, key, data }) => {
    const offset = server.log(ch).push(data);
    server.send({ op: "puback", ch, key, id: `1000-${offset}`, offset });
  };
  const { store, subscribe } = list(client, { from: "tail" });
  t.after(subscribe());
  const publisher = new Publisher(client, "c");
  t.after(publisher.subscribe(() => {}));
  publisher.publish("a");
  await until(() => publisher.getSnapshot()[0]?.status === "sent");
  answer(); // the subscription begins at the tail, which is the publication
  await until(() => store.getSnapshot().isLive);
  assert.deepEqual([publisher.getSnapshot(), store.getSnapshot().messages], [[], []]);
});

test("a list that ends releases what waits for it", async (t) => {
  const { server, client } = connected(t);
  const { store, subscribe } = list(client);
  const stop = subscribe();
  await until(() => store.getSnapshot().isLive);
  const publisher = new Publisher(client, "c");
  t.after(publisher.subscribe(() => {}));
  server.pub = ({ ch, key }) => server.send({ op: "puback", ch, key, id: "1000-1", offset: 1 }); // and no message
  publisher.publish("a");
  await until(() => publisher.getSnapshot()[0]?.status === "sent");
  stop();
  assert.deepEqual(publisher.getSnapshot(), []);
});

test("an outbox that nobody needs is forgotten", async (t) => {
  const { client } = connected(t);
  const publisher = new Publisher(client, "c");
  const isForgotten = () => publisher.getSnapshot() === NO_PUBLICATIONS; // an outbox has an array of its own
  const publish = async () => {
    publisher.publish("a");
    assert.equal(publisher.getSnapshot().length, 1);
    await until(() => publisher.getSnapshot().length === 0);
  };
  await publish();
  assert.ok(isForgotten(), "after the last publication");
  for (const user of [publisher, list(client).store]) {
    const stop = user.subscribe(() => {});
    await publish();
    assert.ok(!isForgotten());
    stop();
    assert.ok(isForgotten(), `after the last ${user.constructor.name}`);
  }
});
