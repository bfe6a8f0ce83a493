// Goal: the first page of the README works as it stands, and so does what the README says about it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Chromium } from "./support/chromium.mjs";
import { until } from "./support/page.mjs";
import { TcpProxy } from "./support/proxy.mjs";
import { Server } from "./support/server.mjs";

const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

describe("the page in the README", () => {
  let www, server, proxy, browser;

  before(async () => {
    www = mkdtempSync(join(tmpdir(), "seamline-readme-"));
    writeFileSync(join(www, "index.html"), /```html\n(.*?)```/s.exec(README)[1]);
    execFileSync("tar", ["-xzf", process.env.SEAMLINE_TARBALL, "-C", www]);
    renameSync(join(www, "package/dist"), join(www, "seamline"));
    server = await new Server(["--www", www]).start();
    proxy = await new TcpProxy(() => server.port).start(); // keeps its port when the server is started again
    browser = await Chromium.start();
  });

  after(async () => {
    await browser?.stop();
    await proxy?.stop();
    await server?.stop();
    rmSync(www, { recursive: true });
  });

  test("shows each message once after a restart", async () => {
    const pages = [];
    for (const _ of ["left", "right"]) pages.push(await browser.page(`http://127.0.0.1:${proxy.port}/`));
    const send = (text) =>
      pages[0].evaluate((text) => {
        const form = document.querySelector("form");
        form.text.value = text;
        form.requestSubmit();
      }, text);
    const shown = (page) => page.evaluate(() => [...document.querySelectorAll("li")].map((item) => item.textContent));
    const show = (texts) =>
      until(`both pages show ${texts}`, async () =>
        (await Promise.all(pages.map(shown))).every((items) => items.join() === texts.join()),
      );

    await send("before");
    await show(["before"]);
    await server.kill();
    await send("while it was away");
    await server.start();
    await show(["before", "while it was away"]);
    assert.deepEqual(
      pages.flatMap((page) => page.problems),
      [],
    );
  });
});
