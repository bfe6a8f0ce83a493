// Goal: a handler may throw, reject, wait, publish, unsubscribe, subscribe again or close inside itself,
// and nothing is repeated, reordered or stuck; the position moves only when it has finished.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { Browser } from "./support/page.mjs";
import { publishMany } from "./support/publisher.mjs";
import { Server } from "./support/server.mjs";

let browser, server, page;
before(async () => {
  browser = await new Browser().start();
  server = await new Server().start();
  await publishMany(() => server.url, "ten", 10, { workers: 1 });
});
after(async () => {
  await browser.stop();
  await server.stop();
});
beforeEach(async () => {
  page = await browser.page();
  await page.evaluate((port) => {
    globalThis.fresh = (options = {}) => connect(`ws://127.0.0.1:${port}/ws`, { logger: {}, ...options });
    globalThis.sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    globalThis.when = async (condition) => {
      while (!condition()) await sleep(5);
    };
  }, server.port);
});

const TEN = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

test("a failing handler is reported, and the next message arrives", async () => {
  const result = await page.evaluate(async () => {
    const room = fresh().channel("ten", { from: "start" });
    const seen = [];
    const errors = [];
    room.on("error", (error, message) => errors.push(`${error.message} ${message.offset}`));
    room.on("message", ({ offset }) => {
      seen.push(offset);
      if (offset === 3) throw new Error("thrown");
      if (offset === 5) return Promise.reject(new Error("rejected"));
    });
    await when(() => room.position?.offset === 10);
    return { seen, errors };
  });
  assert.deepEqual(result, { seen: TEN, errors: ["thrown 3", "rejected 5"] });
});

test("`redeliver` repeats a message before the next one", async () => {
  const seen = await page.evaluate(async () => {
    const room = fresh().channel("ten", { from: "start", redeliver: { attempts: 3, delayMs: 5 } });
    const seen = [];
    let failures = 0;
    room.on("error", () => {});
    room.on("message", ({ offset }) => {
      seen.push(offset);
      if (offset === 2 && failures++ < 2) throw new Error("not yet");
    });
    await when(() => room.position?.offset === 10);
    return seen;
  });
  assert.deepEqual(seen, [1, 2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("the position moves when the handler's promise settles", async () => {
  const result = await page.evaluate(async () => {
    const room = fresh().channel("ten", { from: "start" });
    let release;
    room.on("message", () => new Promise((resolve) => (release = resolve)));
    await when(() => release);
    const before = room.position.offset;
    const first = release;
    release = undefined;
    first();
    await when(() => release);
    return [before, room.position.offset, room.lastMessageId === room.position.id];
  });
  assert.deepEqual(result, [0, 1, true]);
});

test("messages wait for listeners and iterators", async () => {
  const result = await page.evaluate(async () => {
    const room = fresh().channel("ten", { from: "start" });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const seen = [];
    for await (const { offset } of room) {
      seen.push([offset, room.position.offset]);
      if (offset === 4) break;
    }
    for await (const { offset } of room) {
      seen.push([offset, room.position.offset]);
      if (offset === 6) room.close();
    }
    return seen;
  });
  assert.deepEqual(
    result,
    [1, 2, 3, 4, 5, 6].map((offset) => [offset, offset - 1]),
  );
});

test("a handler may unsubscribe, resubscribe and close", async () => {
  const result = await page.evaluate(async () => {
    const client = fresh();
    const first = client.channel("ten", { from: "start" });
    const seen = [];
    const off = first.on("message", ({ offset }) => {
      seen.push(`a${offset}`);
      if (offset === 3) off();
    });
    await when(() => seen.length === 3);
    first.on("message", ({ offset }) => {
      seen.push(`b${offset}`);
      if (offset !== 5) return;
      first.close();
      client.channel("ten", { from: first.position }).on("message", ({ offset }) => {
        seen.push(`c${offset}`);
        if (offset === 7) client.close();
      });
    });
    await when(() => client.state.name === "closed");
    await sleep(50);
    return seen;
  });
  // The position at the time of closing is before the current message, so that one is delivered again.
  assert.deepEqual(result, ["a1", "a2", "a3", "b4", "b5", "c5", "c6", "c7"]);
});

test("a channel can be reopened within one round trip", async () => {
  const result = await page.evaluate(async () => {
    const client = fresh();
    await when(() => client.state.name === "open");
    const first = client.channel("ten", { from: "tail" });
    first.on("message", () => {});
    await null; // it subscribes at the end of the turn
    first.close();
    const seen = [];
    client.channel("ten", { from: "start" }).on("message", ({ offset }) => void seen.push(offset));
    await when(() => seen.length === 10);
    return seen;
  });
  assert.deepEqual(result, TEN);
});

test("a handler may publish to another client", async () => {
  const result = await page.evaluate(async () => {
    const left = fresh().channel("ping-pong", { from: "start" });
    const right = fresh().channel("ping-pong", { from: "start" });
    const seen = [[], []];
    left.on("message", ({ data }) => {
      seen[0].push(data);
      if (data < 20 && data % 2) return left.publish(data + 1);
    });
    right.on("message", ({ data }) => {
      seen[1].push(data);
      if (data < 20 && !(data % 2)) right.publish(data + 1);
    });
    await left.publish(1);
    await when(() => seen[0].at(-1) === 20 && seen[1].at(-1) === 20);
    return seen;
  });
  const upTo20 = Array.from({ length: 20 }, (_, i) => i + 1);
  assert.deepEqual(result, [upTo20, upTo20]);
});

test("casts reach other clients and are not stored", async () => {
  const result = await page.evaluate(async () => {
    const [left, right] = [fresh(), fresh()].map((client) => client.channel("typing", { from: "start" }));
    const casts = [];
    right.on("cast", (data) => casts.push(data));
    await Promise.all([left, right].map((room) => new Promise((resolve) => room.on("live", resolve))));
    left.cast({ typing: true });
    await when(() => casts.length);
    const { offset } = await left.publish("a message");
    return [casts, offset];
  });
  assert.deepEqual(result, [[{ typing: true }], 1]);
});

test("a reloaded page resumes by its client id", async () => {
  const offsets = [];
  for (const last of [4, 10]) {
    offsets.push(
      await page.evaluate(async (last) => {
        const client = fresh({ clientId: "tab-1" });
        const room = client.channel("ten", last === 4 ? { from: "start" } : {});
        const seen = [];
        room.on("message", ({ offset }) => {
          if (offset > last) return new Promise(() => {}); // never finishes
          seen.push(offset);
        });
        await when(() => room.position?.offset === last);
        client.close(); // acknowledges what was processed
        // The server has stored it when a client with this id begins there.
        for (let at; at !== last; ) {
          const again = fresh({ clientId: "tab-1" });
          const room = again.channel("ten");
          room.on("message", () => new Promise(() => {})); // never finishes
          await when(() => room.position);
          at = room.position.offset;
          again.close();
        }
        return seen;
      }, last),
    );
  }
  assert.deepEqual(offsets, [
    [1, 2, 3, 4],
    [5, 6, 7, 8, 9, 10],
  ]);
});

test("a slow page catches up from the log", async () => {
  const result = await page.evaluate(async () => {
    const client = fresh({ queueMessages: 50, replayCredit: 20 });
    const room = client.channel("flood", { from: "start" });
    const sender = fresh().channel("flood");
    const seen = [];
    let flood;
    room.on("message", ({ data }) => {
      seen.push(data);
      if (data === 0) return flood; // busy until all is published
    });
    // Live first: what is published before that comes by replay, at the page's own pace.
    await new Promise((resolve) => room.on("live", resolve));
    flood = Promise.all(Array.from({ length: 600 }, (_, i) => sender.publish(i)));
    await flood;
    await when(() => seen.length >= 600);
    return { inOrder: seen.every((data, i) => data === i), count: seen.length, discarded: client.stats().discarded };
  });
  assert.ok(result.discarded > 0, "it had to let go of some");
  assert.deepEqual({ ...result, discarded: 0 }, { inOrder: true, count: 600, discarded: 0 });
});
