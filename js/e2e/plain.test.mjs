// Goal: on any server of the plain dialect, each message reaches the page's handler once, in order if the server numbers
// them, however often the connection is cut, and a missing number is reported. Method: support/plain-server.mjs imitates
// such servers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser, ENGINE, until } from "./support/page.mjs";
import { PlainServer } from "./support/plain-server.mjs";

// The whole form runs in one engine, and in each with CHAOS=long.
const LONG = process.env.CHAOS === "long" || ENGINE === "chromium";
const MESSAGES = LONG ? 2000 : 700;
const CUTS = LONG ? 30 : 10;

let browser;
before(async () => (browser = await new Browser().start()));
after(() => browser.stop());

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs a test with a server of these habits, which may have a history, and a page that follows it. */
async function following(habits, run, { options = {}, from, history = 0 } = {}) {
  const server = await new PlainServer(habits).start();
  for (let i = 0; i < history; i++) server.publish();
  const page = await browser.page();
  try {
    await page.evaluate(follow, { url: server.url, options, from });
    await run(server, page);
    assert.deepEqual(await page.evaluate(() => globalThis.errors), []);
    assert.deepEqual(page.problems, []);
  } finally {
    await page.close();
    await server.stop();
  }
}

/** In the page: follow the conversation and keep a record. */
function follow({ url, options, from }) {
  const client = connect(url, {
    dialect: "plain",
    backoff: { initialMs: 50, maxMs: 200 },
    stableMs: 300,
    ackIntervalMs: 100,
    ...options,
  });
  const room = client.channel("c1", from ? { from } : {});
  Object.assign(globalThis, { client, room, seen: [], gaps: [], casts: [], errors: [], lives: 0 });
  room.on("message", ({ id, offset, data, replayed }) =>
    globalThis.seen.push({ id, offset, number: data.sequence_number ?? data.message?.sequence_number, replayed }),
  );
  room.on("gap", (gap) => globalThis.gaps.push(gap));
  room.on("cast", (data) => globalThis.casts.push(data));
  room.on("live", () => globalThis.lives++);
  room.on("error", ({ code, message }) => globalThis.errors.push(`${code}: ${message}`));
}

/** In the page: what was seen, which must be the server's log. */
const report = () => ({ seen: globalThis.seen, gaps: globalThis.gaps, stats: globalThis.client.stats() });
const count = (page) => page.evaluate(() => globalThis.seen.length);

/** Numbered messages may have no ids. */
const resumePoint = (page) => page.evaluate(() => globalThis.room.position?.id ?? globalThis.room.position?.offset);

/** Many messages and cuts, some of them in the middle of a replay. */
async function chaos(server, page) {
  for (let i = 0; i < 50; i++) server.publish();
  await until("the page has the history", async () => (await count(page)) === 50);
  let published = 50;
  while (published < MESSAGES || server.cuts < CUTS) {
    // A browser may take long to reconnect: then it must find messages for the cuts that are left.
    const due = Math.min(MESSAGES, ((server.cuts + 2) * MESSAGES) / (CUTS + 1));
    for (let burst = Math.random() * 30; burst > 0 && published < due; burst--, published++) server.publish();
    await sleep(Math.random() * 25);
    if (server.cuts < CUTS && published > (server.cuts * MESSAGES) / (CUTS + 1) && server.connections > 0) {
      if (server.cuts % 5 < 4) {
        await sleep(Math.random() * 15); // into the replay, as a rule
      } else {
        // Live for so long that the resume point moves, however slow the page is.
        const before = await resumePoint(page);
        for (let i = 0; published < MESSAGES && (i < 50 || (await resumePoint(page)) === before); i++, published++) {
          server.publish();
          await sleep(20);
        }
      }
      server.cut();
    }
  }
  await until("all of it is there", async () => (await count(page)) >= MESSAGES).catch(() => {});
  await sleep(200); // what comes now comes twice
  return page.evaluate(report);
}

function summary(server, { seen, stats }) {
  return (
    `delivered ${seen.length} (${seen.filter(({ replayed }) => replayed).length} replayed), duplicates dropped ${stats.duplicates}, ` +
    `connections ${stats.connects}, cuts ${server.cuts} (${server.cutsDuringReplay} during a replay)`
  );
}

const sorted = (ids) => [...ids].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));

for (const [name, habits] of [
  ["replays everything on each connect", {}],
  ["replays from last_message_id", { resumes: true }],
  ["has live messages overtake the replay", { resumes: true, overtakes: true, pauseEvery: 5 }],
]) {
  test(`unnumbered messages survive ${CUTS} cuts of a server that ${name}`, async (t) => {
    await following(
      habits,
      async (server, page) => {
        const result = await chaos(server, page);
        t.diagnostic(summary(server, result));
        assert.deepEqual(
          sorted(result.seen.map(({ id }) => id)),
          server.log.map(({ id }) => id),
        );
        assert.deepEqual(
          result.seen.map(({ offset }) => offset),
          server.log.map((_, i) => i + 1),
        );
        assert.deepEqual(result.gaps, []);
        assert.ok(server.cuts >= CUTS && result.stats.duplicates > 0);
        const resumed = server.requests.filter(({ searchParams }) => searchParams.has("last_message_id"));
        assert.ok(resumed.length > CUTS / 3, "the resume point moved");
      },
      { options: { plain: { settleMs: 300 } } },
    );
  });
}

for (const [name, habits] of [
  ["replays everything on each connect", {}],
  ["has live messages overtake the replay", { resumes: true, overtakes: true, pauseEvery: 5 }],
  ["has the older shape", { nested: true }],
]) {
  test(`numbered messages survive ${CUTS} cuts of a server that ${name}`, async (t) => {
    await following({ ...habits, numbers: true }, async (server, page) => {
      const result = await chaos(server, page);
      t.diagnostic(summary(server, result));
      const numbers = server.log.map(({ number }) => number);
      assert.deepEqual(
        result.seen.map(({ number }) => number),
        numbers,
      );
      assert.deepEqual(
        result.seen.map(({ offset }) => offset),
        numbers,
      );
      assert.deepEqual(result.gaps, []);
    });
  });
}

test("a skipped number is a gap before later messages", async () => {
  await following(
    { numbers: true, skips: [7], jitterMs: 0 },
    async (server, page) => {
      for (let i = 0; i < 10; i++) server.publish();
      await until("the rest is there", async () => (await count(page)) === 9);
      const { seen, gaps, stats } = await page.evaluate(report);
      assert.deepEqual(
        seen.map(({ number }) => number),
        [1, 2, 3, 4, 5, 6, 8, 9, 10],
      );
      assert.deepEqual(gaps, [{ from: 7, to: 7, reason: "hole" }]);
      assert.equal(stats.connects, 2, "it was asked for once more");
      server.publish();
      await until("the next one is there", async () => (await count(page)) === 10);
      assert.equal((await page.evaluate(report)).stats.connects, 2);
    },
    { options: { plain: { settleMs: 300 } } },
  );
});

test("a window smaller than the history prevents duplicates", async () => {
  await following(
    { twice: false },
    async (server, page) => {
      await until("the history is there", async () => (await count(page)) === 1000);
      for (let cuts = 1; cuts <= 3; cuts++) {
        server.cut();
        for (let i = 0; i < 10; i++) server.publish();
        await until("what was missed is there", async () => (await count(page)) === 1000 + 10 * cuts);
      }
      await sleep(200);
      const { seen, stats } = await page.evaluate(report);
      assert.deepEqual(
        sorted(seen.map(({ id }) => id)),
        server.log.map(({ id }) => id),
      );
      assert.ok(stats.duplicates >= 3000);
      assert.ok(server.requests.at(-1).searchParams.get("last_message_id"), "the window's floor is a resume point");
    },
    { options: { plain: { windowMessages: 100 } }, history: 1000 },
  );
});

test("a reload repeats nothing older than the settle time", async () => {
  await following(
    { resumes: true, twice: false, jitterMs: 0 },
    async (server, page) => {
      await until("the page is connected", () => server.connections === 1);
      await until("the resume point has moved", async () => {
        server.publish();
        await sleep(120);
        return page.evaluate(() => globalThis.room.position?.id !== undefined);
      });
      const n = server.log.length;
      await until("the messages are there", async () => (await count(page)) === n);
      const position = await page.evaluate(() => {
        globalThis.client.close();
        return globalThis.room.position;
      });
      assert.equal(position.epoch, "plain");
      assert.equal(position.offset, n);
      const ids = server.log.map(({ id }) => id);
      const lag = ids.length - 1 - ids.indexOf(position.id);
      assert.ok(lag >= 1 && lag <= 8, `the position lags by ${lag} messages`);
      server.publish();
      await page.evaluate(follow, { url: server.url, options: {}, from: position });
      await until("the rest is there", async () => (await count(page)) === lag + 1);
      await sleep(100);
      const { seen } = await page.evaluate(report);
      assert.deepEqual(
        seen.map(({ id }) => id),
        server.log.slice(-lag - 1).map(({ id }) => id),
      );
      assert.deepEqual(seen[0].offset, n + 1, "offsets go on");
      assert.equal(server.requests.at(-1).searchParams.get("last_message_id"), position.id);
    },
    { options: { plain: { settleMs: 200 } } },
  );
});

test("the client sends parameters, acknowledgements and typing", async () => {
  await following(
    { numbers: true },
    async (server, page) => {
      const { id } = server.publish();
      await until("the message is there", async () => (await count(page)) === 1);
      await until("it is acknowledged", () => server.received.length > 0);
      assert.deepEqual(server.received, [{ type: "ack", msg_id: id, conversation_id: "c1" }]);
      await page.evaluate(() => globalThis.room.cast({ type: "typing", conversation_id: "c1", user_id: "u1" }));
      await until("the server hears of the typing", () => server.received.length > 1);
      assert.deepEqual(server.received[1], { type: "typing", conversation_id: "c1", user_id: "u1" });
      server.broadcast({ type: "typing", user_id: "u2" });
      await until("the page hears of it", () => page.evaluate(() => globalThis.casts.length > 0));
      assert.deepEqual(await page.evaluate(() => globalThis.casts), [{ type: "typing", user_id: "u2" }]);
      assert.equal(await page.evaluate(() => globalThis.room.lastMessageId), id);
      const published = await page.evaluate(() => globalThis.room.publish("hi").catch((error) => error.code));
      assert.equal(published, "not_supported");
      const second = await page.evaluate(() => {
        const other = globalThis.client.channel("another");
        other.on("message", () => {});
        return new Promise((resolve) => other.on("error", (error) => resolve(error.code)));
      });
      assert.equal(second, "one_channel");
      await page.evaluate(() => void globalThis.room.on("message", ({ data }) => (globalThis.last = data)));
      const { text } = server.publish();
      await until("the object is there", () => page.evaluate(() => Boolean(globalThis.last)));
      assert.deepEqual(await page.evaluate(() => globalThis.last), JSON.parse(text), "the whole of it");
      const [first] = server.requests;
      assert.deepEqual([...first.searchParams.keys()], ["conversation_id", "user_id", "token", "client_id"]);
      assert.equal(first.searchParams.get("token"), "a token");
    },
    { options: { token: "a token" } },
  );
});

test("a rejected connection fetches a new token with backoff", async (t) => {
  const server = await new PlainServer({ twice: false }).start();
  const page = await browser.page();
  t.after(() => Promise.all([page.close(), server.stop()]));
  server.refuse = ({ searchParams }) => ({ 1: "401", 2: "close" })[searchParams.get("token")];
  server.publish();
  await page.evaluate((url) => {
    globalThis.calls = [];
    const token = ({ refresh }) => String(globalThis.calls.push(refresh));
    const client = connect(url, { dialect: "plain", token, logger: {}, backoff: { initialMs: 20, maxMs: 100 } });
    globalThis.reasons = [];
    client.on("state", ({ reason }) => reason && globalThis.reasons.push(reason.code));
    client.channel("c1").on("message", () => (globalThis.done = true));
  }, server.url);
  await until("the third token is accepted", () => page.evaluate(() => globalThis.done === true));
  assert.deepEqual(await page.evaluate(() => globalThis.calls), [false, true, true]);
  assert.deepEqual(await page.evaluate(() => globalThis.reasons), ["connect_failed", "connection_lost"]);
});

test("a malformed frame causes an error and a reconnect", async (t) => {
  const server = await new PlainServer({ twice: false }).start();
  const page = await browser.page();
  t.after(() => Promise.all([page.close(), server.stop()]));
  await page.evaluate(follow, { url: server.url, options: { logger: {} } });
  await until("the page is connected", () => server.connections === 1);
  await page.evaluate(() => {
    globalThis.bad = [];
    globalThis.client.on("error", ({ code }) => globalThis.bad.push(code));
  });
  server.broadcast("ping");
  await until("it is reported", () => page.evaluate(() => globalThis.bad.length > 0));
  assert.deepEqual(await page.evaluate(() => globalThis.bad), ["bad_frame"]);
  await until("the page is connected again", () => server.requests.length === 2 && server.connections === 1);
  server.publish();
  await until("the message is there", async () => (await count(page)) === 1);
});

test("invalid plain options are refused by name", async (t) => {
  const page = await browser.page();
  t.after(() => page.close());
  const thrown = (options) =>
    page.evaluate((options) => {
      try {
        connect("ws://127.0.0.1:9/", options).close();
        return "nothing";
      } catch (error) {
        return `${error.code}: ${error.message}`;
      }
    }, options);
  assert.match(
    await thrown({ dialect: "plane" }),
    /^bad_option: invalid option "dialect": "plane"; pass "seamline", or `plain`/,
  );
  assert.match(
    await thrown({ dialect: "plain", plain: { settleMS: 1 } }),
    /unknown option of plain: "settleMS"; use one of .*settleMs/,
  );
  assert.match(
    await thrown({ dialect: "plain", plain: { numberPath: true } }),
    /option of plain "numberPath": true; pass a well-formed string or false/,
  );
  assert.match(await thrown({ plain: {} }), /invalid option "plain": .*; pass an object, with dialect: plain/);
  assert.equal(
    await thrown({
      dialect: "plain",
      plain: { idPath: "a.b", numberPath: false, windowMessages: 10, silenceMs: 1, settleMs: 2 },
    }),
    "nothing",
  );
});
