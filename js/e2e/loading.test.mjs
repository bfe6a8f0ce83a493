// Goal: where the WebAssembly cannot be had, a page hears so at once, once, and with the cure; only faults of the
// network are retried. Everywhere else it loads.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser } from "./support/page.mjs";
import { Server } from "./support/server.mjs";

let browser, server;
before(async () => {
  browser = await new Browser().start();
  server = await new Server().start();
});
after(async () => {
  await browser.stop();
  await server.stop();
});

/** The state of a client after it has tried to load, and what it logged. */
async function outcome(path, entry, options) {
  const page = await browser.page(path);
  const url = `ws://127.0.0.1:${server.port}/ws`;
  const result = await page.evaluate(
    async ([entry, url, options]) => {
      const { connect } = await import(`/dist/${entry}.js`);
      const logged = [];
      const log = (...line) => logged.push(line.join(" "));
      const client = connect(url, { ...options, logger: { warn: log, error: log } });
      const state = await new Promise((resolve) => client.on("state", (s) => s.name !== "connecting" && resolve(s)));
      client.close();
      return { state, logged };
    },
    [entry, url, options],
  );
  assert.deepEqual(page.problems, []);
  await page.close();
  return result;
}

for (const path of ["", "wasm-allowed"]) {
  test(`the page "/${path}" loads the wasm inside the script`, async () => {
    const { state, logged } = await outcome(path, "index");
    assert.deepEqual([state, logged], [{ name: "open" }, []]);
  });
}

test("a page loads the wasm beside seamline/slim", async () => {
  const { state } = await outcome("", "slim", { wasm: "/dist/seamline.wasm" });
  assert.equal(state.name, "open");
});

/** Asserts that a client ends, and reports why in its state and once in its log. */
function assertEnded({ state, logged }, message) {
  assert.equal(state.name, "closed");
  assert.equal(state.reason.code, "wasm_failed");
  assert.match(state.reason.message, message);
  assert.deepEqual(logged, [`seamline: ${state.reason.message}`]);
}

for (const [entry, wasm] of [["index"], ["slim", "/dist/seamline.wasm"]]) {
  test(`the ${entry} entry names the policy that forbids WebAssembly`, async () => {
    const result = await outcome("no-wasm", entry, { wasm });
    assertEnded(result, /the Content-Security-Policy forbids it; add 'wasm-unsafe-eval' to its script-src$/);
    assert.doesNotMatch(result.state.reason.message, /'unsafe-eval'/);
  });
}

test("a page in place of the wasm ends the client", async () => {
  assertEnded(
    await outcome("", "slim", { wasm: "/other" }),
    /http:\/\/127\.0\.0\.1:\d+\/other is HTML, not WebAssembly; serve the `\.wasm` file .* import "seamline"/,
  );
});

test("a missing wasm ends the client", async () => {
  assertEnded(
    await outcome("", "slim", { wasm: "/dist/missing.wasm" }),
    /HTTP 404 for http:\/\/127\.0\.0\.1:\d+\/dist\/missing\.wasm; serve the `\.wasm` file/,
  );
});

test("a fetch that the policy forbids is logged once, and retried", async () => {
  const { state, logged } = await outcome("guarded", "slim", { wasm: "https://elsewhere.invalid/seamline.wasm" });
  assert.deepEqual([state.name, state.reason.code], ["waiting", "wasm_failed"]);
  assert.match(state.reason.message, /for https:\/\/elsewhere\.invalid\/seamline\.wasm; check .* \(connect-src\)/);
  assert.deepEqual(logged, [`seamline: ${state.reason.message}`]);
});
