// Goal: invalid input causes an error that names it and says what to do, and the page continues.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Browser } from "./support/page.mjs";
import { unusedPort } from "./support/port.mjs";
import { Server } from "./support/server.mjs";

const SECRET = "a secret for the tests only, not short";

let browser, open, guarded, page;
before(async () => {
  browser = await new Browser().start();
  open = await new Server().start();
  guarded = await new Server(["--token-secret", SECRET]).start();
  page = await browser.page();
});
after(async () => {
  await browser.stop();
  await open.stop();
  await guarded.stop();
});

const ws = (server) => `ws://127.0.0.1:${server.port}/ws`;

function token(claims) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${body}.${createHmac("sha256", SECRET).update(body).digest("base64url")}`;
}

const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

/** Calls `connect` in the page, and returns what it threw. */
const thrown = (url, options) =>
  page.evaluate(
    ([url, options]) => {
      try {
        connect(url, options).close();
        return "nothing";
      } catch (error) {
        return `${error.name} ${error.code}: ${error.message}`;
      }
    },
    [url, options],
  );

/** The final state of a connection. */
async function closedReason(server, options) {
  return page.evaluate(
    async ([url, options]) => {
      const logger = {};
      const client = connect(url, { ...options, logger, backoff: { initialMs: 10, maxMs: 20 } });
      return new Promise((resolve) => client.on("state", (state) => state.name === "closed" && resolve(state.reason)));
    },
    [ws(server), options],
  );
}

test("misspelt and mistyped options are refused by name", async () => {
  assert.match(
    await thrown(ws(open), { heartBeatMs: 1 }),
    /^SeamlineError bad_option: unknown option: "heartBeatMs"; use one of .*heartbeatMs/,
  );
  assert.match(
    await thrown(ws(open), { backoff: { initial: 1 } }),
    /unknown option of backoff: "initial"; use one of initialMs, maxMs/,
  );
  assert.match(
    await thrown(ws(open), { heartbeatMs: "25s" }),
    /option "heartbeatMs": "25s"; pass a whole number of milliseconds/,
  );
  assert.match(
    await thrown(ws(open), { clientId: "" }),
    /option "clientId": ""; pass a well-formed string of 1 to 200 bytes/,
  );
});

test("an invalid URL is refused at once", async () => {
  assert.match(await thrown("ftp://example.com/", {}), /^SeamlineError bad_url: .*"ftp:"/);
  assert.match(await thrown("http://[", {}), /^SeamlineError bad_url: invalid URL: "http:/);
});

test("invalid channel names, positions and payloads are refused", async () => {
  const errors = await page.evaluate(async (url) => {
    const client = connect(url, { logger: {} });
    const attempt = (call) => {
      try {
        return String(call());
      } catch (error) {
        return error.code;
      }
    };
    const codes = [
      attempt(() => client.channel("")),
      attempt(() => client.channel("x".repeat(201))),
      attempt(() => client.channel("x", { from: "begin" })),
      attempt(() => client.channel("x", { from: { epoch: "e", offset: -1 } })),
      attempt(() => client.channel("x", { form: "start" })),
    ];
    const bad = client.channel("line\nbreak");
    bad.on("message", () => {});
    codes.push(await new Promise((resolve) => bad.on("error", (error) => resolve(error.code))));
    const room = client.channel("room");
    const rejected = (promise) =>
      promise.then(
        () => "resolved",
        (error) => error.code ?? error.name,
      );
    const circular = {};
    circular.self = circular;
    codes.push(await rejected(room.publish(undefined)));
    codes.push(await rejected(room.publish(circular)));
    codes.push(await rejected(room.publish("x".repeat(10_000_000))));
    codes.push(await rejected(room.publish("x", { key: "k".repeat(201) })));
    const { offset } = await room.publish("still fine");
    client.close();
    codes.push(await rejected(room.publish("too late")), offset);
    return codes;
  }, ws(open));
  const option = "bad_option";
  assert.deepEqual(errors.slice(0, 6), ["bad_channel", "bad_channel", option, option, option, "bad_channel"]);
  assert.deepEqual(errors.slice(6), ["bad_data", "bad_data", "too_large", "bad_key", "closed", 1]);
});

test("missing, wrong and expired tokens end the client", async () => {
  for (const [options, words] of [
    [{}, /token/],
    [{ token: "not.a.token" }, /token/],
    [{ token: token({ sub: "left", exp: inSeconds(-3600) }) }, /expired/i],
  ]) {
    const reason = await closedReason(guarded, options);
    assert.equal(reason.code, "unauthorized");
    assert.equal(reason.closeCode, 4401);
    assert.match(reason.message, words);
  }
});

test("a rejected token is fetched again once", async () => {
  const good = token({ sub: "left", exp: inSeconds(3600) });
  const calls = await page.evaluate(
    async ([url, good]) => {
      const calls = [];
      const token = ({ refresh }) => {
        calls.push(refresh);
        return Promise.resolve(refresh ? good : "stale");
      };
      const client = connect(url, { token, logger: {}, backoff: { initialMs: 10, maxMs: 20 } });
      await client.channel("room").publish("hello");
      client.close();
      return calls;
    },
    [ws(guarded), good],
  );
  assert.deepEqual(calls, [false, true]);
});

test("an expired token is replaced without losing a message", async () => {
  // The page takes the first that still has a while to live, however long it took until it asks.
  const shorts = Array.from({ length: 300 }, (_, i) => inSeconds(i + 2)).map((exp) => [
    exp,
    token({ sub: "left", exp }),
  ]);
  const long = token({ sub: "left", exp: inSeconds(3600) });
  const result = await page.evaluate(
    async ([url, shorts, long]) => {
      let client;
      const refreshes = [];
      const short = () => shorts.find(([exp]) => exp * 1000 > Date.now() + 3000)[1];
      const token = ({ refresh }) => {
        refreshes.push(refresh);
        return client?.stats().connects > 0 ? long : short();
      };
      client = connect(url, { token, logger: {}, backoff: { initialMs: 10, maxMs: 20 } });
      const room = client.channel("expiring", { from: "start" });
      const seen = [];
      room.on("message", ({ data }) => seen.push(data));
      const since = Date.now();
      const inTime = (what) => {
        if (Date.now() - since > 60_000) throw new Error(`after a minute: ${what}`);
      };
      for (let i = 0; client.stats().connects < 2; i++) {
        inTime("no other token");
        await room.publish(i);
      }
      await room.publish("last");
      while (seen.at(-1) !== "last") {
        inTime("not the last message");
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      client.close();
      return { seen: seen.slice(0, -1), gaps: client.stats().gaps, refreshes };
    },
    [ws(guarded), shorts, long],
  );
  const { seen, gaps, refreshes } = result;
  assert.deepEqual({ seen, gaps }, { seen: seen.map((_, i) => i), gaps: 0 });
  assert.deepEqual([refreshes[0], refreshes.at(-1)], [false, true]);
});

test("a throwing token function is reported and retried", async () => {
  const reason = await page.evaluate(async (url) => {
    const token = () => Promise.reject(new Error("no session"));
    const client = connect(url, { token, logger: {} });
    const state = await new Promise((resolve) =>
      client.on("state", (state) => state.name === "waiting" && resolve(state)),
    );
    client.close();
    return { ...state.reason, soon: state.retryAt - Date.now() < 1000, attempt: state.attempt };
  }, ws(guarded));
  assert.deepEqual(reason, {
    code: "token_failed",
    message: "the token function failed: Error: no session",
    soon: true,
    attempt: 1,
  });
});

test("unreachable and foreign servers are retried with backoff", async (t) => {
  const plain = createServer((_, response) => response.end("hello"));
  await new Promise((resolve) => plain.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    plain.closeAllConnections();
    plain.close();
  });
  const attempts = (port) =>
    page.evaluate(async (port) => {
      const client = connect(`ws://127.0.0.1:${port}/ws`, { logger: {}, backoff: { initialMs: 100, maxMs: 400 } });
      const states = [];
      client.on("state", (state) => states.push(state));
      while (states.filter(({ name }) => name === "waiting").length < 3)
        await new Promise((resolve) => setTimeout(resolve, 10));
      client.close();
      return states;
    }, port);
  for (const port of [plain.address().port, await unusedPort()]) {
    const states = await attempts(port);
    const waits = states.filter(({ name }) => name === "waiting").slice(0, 3);
    assert.deepEqual(
      waits.map(({ attempt }) => attempt),
      [1, 2, 3],
    );
    assert.ok(waits.every(({ reason }) => reason.code === "connect_failed"));
    assert.equal(states.at(-1).reason.code, "closed_by_application");
  }
});

test("missing or invalid wasm ends the client", async () => {
  const states = await page.evaluate(async (url) => {
    const fresh = await import("/dist/index.js?another-module");
    const missing = fresh.connect(url, { wasm: "/nowhere.wasm", logger: {} });
    const ended = await new Promise((resolve) => missing.on("state", resolve));
    const none = fresh.connect(url, { wasm: new Uint8Array([1, 2, 3, 4]), logger: {} });
    const closed = await new Promise((resolve) => none.on("state", resolve));
    return [ended.name, ended.reason.code, closed.name, closed.reason.code];
  }, ws(open));
  assert.deepEqual(states, ["closed", "wasm_failed", "closed", "wasm_failed"]);
});

test("no error was left uncaught", () => {
  assert.deepEqual(page.problems, []);
});
