// A Node process of its own: when it exits, and what it prints.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const at = (path) => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));
const PRELUDE = `
  import { readFileSync } from "node:fs";
  import { connect } from ${at("../dist/index.js")};
  import { FakeServer, until } from ${at("./support/server.mjs")};
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", { wasm: readFileSync(${at("../dist/seamline.wasm")}) });
`;

/** Runs a script; it must end by itself long before a timer of ten minutes that somebody left would fire. */
function run(script) {
  const args = ["--input-type=module", "--eval", PRELUDE + script];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: 120_000 }, (error, out, err) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, out, err });
    });
  });
}

test("the process exits after close()", async () => {
  const { code, out, err } = await run(`
    server.logs.set("c", ["a"]);
    const channel = client.channel("c", { from: "start", redeliver: { attempts: 9, delayMs: 600_000 } });
    let calls = 0;
    channel.on("error", () => {});
    channel.on("message", async () => { calls++; throw new Error("no"); });
    await until(() => calls === 1);
    await new Promise((resolve) => setImmediate(resolve));
    client.close();
    console.log(client.state.name);
  `);
  assert.deepEqual({ code, out, err }, { code: 0, out: "closed\n", err: "" });
});

test("a finished flush leaves no timer", async () => {
  const { code, out, err } = await run(`
    const published = client.channel("c").publish(1);
    await client.close({ flushMs: 600_000 });
    console.log((await published).offset);
  `);
  assert.deepEqual({ code, out, err }, { code: 0, out: "1\n", err: "" });
});

test("an uncaught publication error names the publication", async () => {
  const { code, err } = await run(`
    server.pub = () => {};
    void client.channel("room").publish(1, { key: "key-7" });
    await until(() => server.ops("pub").length === 1);
    client.close();
  `);
  assert.equal(code, 1);
  assert.match(err, /SeamlineError\]?: publication "key-7" to channel "room" failed: the client is closed/);
});

test("a lingering subscription does not keep the process alive", async () => {
  const { out, err } = await run(`
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const channel = client.channel("c");
    channel.on("message", () => {});
    await until(() => server.ops("sub").length === 1);
    const before = timers();
    channel.close();
    console.log(timers() - before);
    process.exit();
  `);
  assert.deepEqual({ out, err }, { out: "0\n", err: "" });
});
