// Goal: the runner finds what is wrong. Each row is of a page or a process that makes one mistake.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { stopBrowser } from "./support/page.mjs";
import { runRow } from "./support/row.mjs";

let dir;
before(() => (dir = mkdtempSync(join(tmpdir(), "seamline-fixture-"))));
after(async () => {
  await stopBrowser();
  rmSync(dir, { recursive: true, force: true });
});

/** The result of a page with this script. */
function page(script, row = {}) {
  const items = `const show = (...texts) => texts.forEach((text) =>
    document.body.append(Object.assign(document.createElement("li"), { textContent: text })));`;
  writeFileSync(join(dir, "index.html"), `<!doctype html><body><script>${items}${script}</script>`);
  return runRow({ name: "page", kind: "page", files: { dir: "." }, ...row }, dir);
}

/** The result of a process with this script. */
function run(script) {
  const show = "const show = (...texts) => texts.forEach((text) => console.log('message:', text));";
  writeFileSync(join(dir, "process.cjs"), `${show}${script}`);
  return runRow({ name: "process", kind: "process", run: "node process.cjs" }, dir);
}

test("a message that is shown twice fails", async () => {
  const { result, reason } = await page(`show("one", "one", "two")`);
  assert.deepEqual([result, reason], ["failed", 'shows "one, one, two" instead of "one, two"']);
});

test("a message that is missing fails", async () => {
  const { result, reason } = await page(`show("two")`);
  assert.deepEqual([result, reason], ["failed", 'shows "two" instead of "one, two"']);
});

test("a message from nowhere fails", async () => {
  const { result, reason } = await page(`show("one", "two", "three", "four")`);
  assert.deepEqual([result, reason], ["failed", 'shows "one, two, three, four" instead of "one, two"']);
});

test("an error on the console fails", async () => {
  const { result, reason } = await page(`console.error("it is broken")`);
  assert.equal(result, "failed");
  assert.match(reason, /^it is broken/);
});

test("an error that nobody catches fails", async () => {
  const { result, reason } = await page(`Promise.reject(new Error("it is broken"))`);
  assert.equal(result, "failed");
  assert.match(reason, /it is broken/);
});

test("an error without a stack is named", async () => {
  const { reason } = await page(`Promise.reject(Object.assign(new Error("it is broken"), { stack: "" }))`);
  assert.match(reason, /it is broken/);
});

test("only the errors that a row expects of its tool are ignored", async () => {
  const script = `console.error("the tool reloads"); console.error("it is broken")`;
  const { reason } = await page(script, { toolErrors: [/^the tool reloads/] });
  assert.match(reason, /^it is broken/);
  assert.doesNotMatch(reason, /reloads/);
});

test("a request for a missing file fails", async () => {
  const { result, reason } = await page(`fetch("/missing.wasm")`);
  assert.equal(result, "failed");
  assert.match(reason, /404.*missing\.wasm/);
});

test("a server that connects while it renders fails", async () => {
  const script = `require("http").createServer(({ url }, response) => {
    const server = new URL(url, "http://page").searchParams.get("server");
    if (server) require("net").connect(new URL(server).port, "127.0.0.1");
    response.end();
  }).listen(process.env.PORT, "127.0.0.1");`;
  writeFileSync(join(dir, "server.cjs"), script);
  const { result, reason } = await runRow({ name: "page", kind: "page", serve: "node server.cjs" }, dir);
  assert.deepEqual([result, reason], ["failed", "the server connects while it renders the page"]);
});

test("a process that ends early fails", async () => {
  const { result, reason } = await run(`show("one", "two")`);
  assert.equal(result, "failed");
  assert.match(reason, /ended with 0/);
});

test("a process that fails shows its output", async () => {
  const { result, reason } = await run(`throw new Error("it is broken")`);
  assert.equal(result, "failed");
  assert.match(reason, /ended with 1:\s[\s\S]*it is broken/);
});

test("a problem that the client logs fails", async () => {
  const { result, reason } = await run(`show("one", "two"); console.error("seamline: it is broken")`);
  assert.deepEqual([result, reason], ["failed", "seamline: it is broken"]);
});

test("a build that warns about the package fails", async () => {
  const warning = "warning: node_modules/seamline/dist/index.js has something";
  const row = { name: "build", kind: "page", build: `echo "${warning}"`, files: { dir: "." } };
  const { result, reason } = await runRow(row, dir);
  assert.equal(result, "failed");
  assert.match(reason, /warns:\nwarning: node_modules/);
});

test("a build that fails shows its output", async () => {
  const row = { name: "build", kind: "page", build: "echo it is broken; exit 3", files: { dir: "." } };
  const { result, reason } = await runRow(row, dir);
  assert.equal(result, "failed");
  assert.match(reason, /ended with 3:\nit is broken/);
});
