// Goal: the demo page works as `cargo xtask demo` serves it: two clients on one channel, buttons that break their
// connections, and a line that checks the messages.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch } from "./support/chromium.mjs";
import { until } from "./support/page.mjs";
import { TcpProxy } from "./support/proxy.mjs";
import { publish } from "./support/publisher.mjs";
import { Server } from "./support/server.mjs";

/** A thousand publications, each on disk before it is answered, take their time on a busy machine. */
const BURST_MS = 480_000;

/** One pane, as a visitor sees it. */
class Pane {
  constructor(page, name) {
    this.pane = page.locator(`[data-pane=${name}]`);
  }

  text = (ref) => this.pane.locator(`[data-ref=${ref}]`).textContent();
  count = async (ref) => Number((await this.text(ref)).replaceAll(",", ""));
  press = (ref) => this.pane.locator(`[data-ref=${ref}]`).click();
  state = () => this.pane.getAttribute("data-state");
  last = () => this.pane.locator(".message").last();
  pending = () => this.pane.locator(".pending").count();

  async write(text) {
    await this.pane.locator("input").fill(text);
    await this.pane.locator("input").press("Enter");
  }

  async has(text) {
    await until(`"${text}" has come`, async () => (await this.pane.locator(".message", { hasText: text }).count()) > 0);
  }

  messages = () => this.pane.locator(".message").count();
  reconnected = (times) =>
    until(`it has reconnected ${times} times`, async () => (await this.count("reconnects")) === times);
  live = () => until("it is live", async () => (await this.pane.getAttribute("data-live")) !== null);
  check = (text) => until(`the check says "${text}"`, async () => (await this.text("check")) === text);
}

// In Chromium only: the other browsers are driven in another way, which has no clicks.
describe("the demo page", () => {
  let www, server, proxy, browser, page, alice, bob, channel, problems;
  let tests = 0;

  before(async () => {
    www = mkdtempSync(join(tmpdir(), "seamline-www-"));
    cpSync(fileURLToPath(new URL("../../www", import.meta.url)), www, { recursive: true });
    execFileSync("tar", ["-xzf", process.env.SEAMLINE_TARBALL, "-C", www]);
    renameSync(join(www, "package/dist"), join(www, "seamline"));
    server = await new Server(["--www", www, "--demo"]).start();
    proxy = await new TcpProxy(() => server.port).start(); // keeps its port when the server is started again
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await proxy?.stop();
    await server?.stop();
    rmSync(www, { recursive: true, force: true });
  });

  beforeEach(async () => {
    channel = `demo ${++tests}`;
    page = await (await browser.newContext()).newPage();
    problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on(
      "response",
      (response) => response.status() >= 400 && problems.push(`${response.status()} ${response.url()}`),
    );
    // Only what the page's own scripts log: what the browser itself logs, and in which words, is its choice.
    const cdp = await page.context().newCDPSession(page);
    await cdp.send("Runtime.enable");
    cdp.on("Runtime.consoleAPICalled", ({ type, args }) => {
      if (["error", "warning"].includes(type))
        problems.push(args.map(({ value, description }) => value ?? description).join(" "));
    });
    await page.goto(`http://127.0.0.1:${proxy.port}/?channel=${encodeURIComponent(channel)}`);
    [alice, bob] = ["alice", "bob"].map((name) => new Pane(page, name));
    await Promise.all([alice.live(), bob.live()]);
  });
  afterEach(async () => {
    await page.context().close();
    assert.deepEqual(problems, []);
  });

  test("Bob sees Alice's messages and that she is typing", async () => {
    // It is shown for a while only, so she types until Bob sees it.
    await until("Bob sees that Alice types", async () => {
      await alice.pane.locator("input").pressSequentially("H");
      return (await bob.text("typing")).startsWith("Alice is typing");
    });
    await alice.write("Hello");
    await bob.has("Hello");
    await alice.has("Hello");
    assert.equal(await bob.last().locator(".tag").textContent(), "live");
    assert.equal(await alice.last().locator(".tag").textContent(), "own, live");
    await until("Alice types no longer", async () => (await bob.text("typing")) === "");
    await bob.check("1 message, once");
    assert.match(await bob.text("lastMessageId"), /^\d+-\d+$/);
    await until("nothing is pending", async () => (await alice.pending()) === 0);
  });

  test("cut and dropped sockets reconnect without loss", async () => {
    await page.click("#traffic");
    await until("traffic flows", async () => (await alice.count("delivered")) > 5);
    await alice.press("cut");
    await alice.reconnected(1);
    await alice.press("drop");
    await alice.reconnected(2);
    await bob.press("drop");
    await bob.reconnected(1);
    await page.click("#traffic");
    await alice.write("the last one");
    for (const pane of [alice, bob]) {
      await pane.has("the last one");
      // A message of the traffic may still be on its way.
      const good = async () =>
        (await pane.text("check")) === `${await pane.text("offset")} messages, each once, in order`;
      await until("the whole channel has come", good);
    }
  });

  test("repeated messages are dropped and counted", async () => {
    for (const text of ["one", "two", "three"]) await alice.write(text);
    await bob.has("three");
    await bob.press("repeat");
    await until("three duplicates are counted", async () => (await bob.count("duplicates")) === 3);
    await alice.write("four");
    await bob.has("four");
    await bob.check("4 messages, each once, in order");
  });

  test("a thousand missed messages are replayed", async () => {
    await alice.press("burst");
    await until("she is cut off", async () => (await alice.state()) === "waiting");
    await alice.write("written offline");
    const all = "All 1,000 arrived: 1,000 replayed, 0 live.";
    await until("all have come", async () => (await alice.text("note")) === all, BURST_MS);
    for (const pane of [alice, bob]) {
      await pane.has("written offline");
      await pane.check("1,001 messages, each once, in order");
      assert.ok((await pane.messages()) <= 200, "only the last rows are kept in the document");
      assert.match(await pane.text("earlier"), /^… 80\d earlier$/);
    }
    // Her own message goes out while the replay runs: it may still be part of that.
    assert.ok([1000, 1001].includes(await alice.count("replayed")));
    assert.equal(await bob.count("replayed"), 0);
  });

  test("messages written during an outage are published afterwards", async () => {
    await alice.write("before");
    await bob.has("before");
    await server.kill();
    for (const pane of [alice, bob]) await until("it waits", async () => (await pane.state()) === "waiting");
    await until("it says until when", async () => /^retry in \d/.test(await alice.text("countdown")));
    // Not while the next attempt is made.
    await until("it says why", async () => /^Attempt \d+ failed: .*connect/.test(await alice.text("detail")));
    await alice.write("meanwhile");
    assert.equal(await alice.pending(), 1);
    await server.start();
    await bob.has("meanwhile");
    await until("nothing is pending", async () => (await alice.pending()) === 0);
    for (const pane of [alice, bob]) await pane.check("2 messages, each once, in order");
  });

  test("each pane resumes after a reload", async () => {
    await alice.write("before");
    for (const pane of [alice, bob]) await pane.has("before");
    const url = page.url();
    await page.goto("about:blank");
    for (const text of ["one", "two"]) await publish(() => server.url, channel, text, { from: "Backend", text });
    await page.goto(url);
    for (const pane of [alice, bob]) {
      await pane.check("3 messages, each once, in order, across 2 page loads");
      assert.equal(await pane.count("replayed"), 2);
    }
    proxy.refusing = true;
    proxy.cut();
    await alice.write("pending at the reload");
    assert.equal(await alice.pending(), 1);
    proxy.refusing = false;
    await page.reload();
    for (const pane of [alice, bob]) {
      await pane.has("pending at the reload");
      await pane.check("4 messages, each once, in order, across 3 page loads");
    }
  });

  test("the page works on a phone and by keyboard", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await alice.write(`${"long".repeat(200)} word`);
    await bob.has("long");
    const [width, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(width <= window, `${width} > ${window}`);
    await bob.pane.locator("input").focus();
    const names = [];
    for (let i = 0; i < 5; i++) {
      await page.keyboard.press("Tab");
      names.push(await page.evaluate(() => document.activeElement.textContent.trim()));
    }
    assert.deepEqual(names, [
      "Publish",
      "Cut the socket",
      "Drop it on the server",
      "Go offline, publish 1,000",
      "Deliver the last messages again",
    ]);
  });
});
