// With a storage, the lists of pending publications (src/frameworks/outbox.ts) have what earlier pages have left.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { memory } from "../dist/storage.js";
import { createMessages, createPublisher } from "../dist/svelte.js";
import { createTestServer } from "../dist/testing.js";
import { until } from "./support/server.mjs";

/** Pages, one after the other, with one storage. */
function start(t) {
  const server = createTestServer();
  const storage = memory();
  const open = () => {
    const client = connect("ws://test/", {
      WebSocket: server.WebSocket,
      backoff: { initialMs: 1, maxMs: 5 },
      storage,
      logger: {},
    });
    t.after(() => client.close());
    const publisher = createPublisher(client, "room");
    const page = { client, publisher, pending: [], renders: [] };
    t.after(
      publisher.subscribe((pending) => {
        page.pending = pending;
        page.renders.push(shown(page));
      }),
    );
    return page;
  };
  return { server, open, log: () => server.messages("room").map(({ data }) => data) };
}

const shown = ({ pending }) => pending.map(({ data, status }) => `${data} ${status}`).join(", ");

/** A page that has published while it was offline, and has ended. */
async function left(world, ...data) {
  const page = world.open();
  for (const each of data) page.publisher.publish(each);
  await until(() => page.client.outbox.list().length === data.length);
  await page.client.close();
}

test("what an earlier page has left is pending until its message is in the list", async (t) => {
  const world = start(t);
  world.server.goOffline();
  await left(world, "a", "b");
  const page = world.open();
  await until(() => shown(page) === "a pending, b pending");
  let messages = [];
  t.after(createMessages(page.client, "room", { from: "start" }).subscribe((list) => (messages = list.messages)));
  world.server.goOnline();
  await until(() => messages.length === 2 && page.pending.length === 0);
  assert.deepEqual(
    [messages.map(({ data }) => data), world.log()],
    [
      ["a", "b"],
      ["a", "b"],
    ],
  );
  assert.ok(!page.renders.join().includes("failed"), page.renders.join(" | "));
});

test("what has failed in an earlier page can be retried and discarded", async (t) => {
  const world = start(t);
  world.server.refuse("publish", { code: "forbidden", message: "not yours", times: 2 });
  const first = world.open();
  for (const each of ["a", "b"]) first.publisher.publish(each);
  await until(() => shown(first) === "a failed, b failed");
  await first.client.close();
  const page = world.open();
  await until(() => shown(page) === "a failed, b failed");
  assert.equal(page.pending[0].error.code, "forbidden");
  page.pending[1].discard();
  assert.deepEqual([shown(page), page.client.outbox.list().length], ["a failed", 1]);
  page.pending[0].retry();
  await until(() => page.pending.length === 0);
  assert.deepEqual([world.log(), page.client.outbox.list()], [["a"], []]);
  await page.client.close();
  const last = world.open();
  await last.client.outbox.ready();
  assert.equal(shown(last), "", "nothing comes back");
});

test("what is retried or discarded in the outbox changes here", async (t) => {
  const world = start(t);
  world.server.refuse("publish", { code: "forbidden", message: "not yours", times: 2 });
  const page = world.open();
  for (const each of ["a", "b"]) page.publisher.publish(each);
  await until(() => shown(page) === "a failed, b failed");
  const [a, b] = page.client.outbox.list();
  page.client.outbox.discard(a);
  await until(() => shown(page) === "b failed");
  await page.client.outbox.retry(b);
  await until(() => page.pending.length === 0);
  assert.deepEqual(world.log(), ["b"]);
});

test("a page that nobody watches takes nothing over", async (t) => {
  const world = start(t);
  world.server.goOffline();
  await left(world, "a");
  const { client } = world.open();
  await client.outbox.ready();
  const other = createPublisher(client, "another room");
  let pending;
  other.subscribe((publications) => (pending = publications))();
  assert.deepEqual(pending, []);
});
