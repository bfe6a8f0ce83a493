// Goal: a storage that is full is reported, and nothing is lost. Method: each browser lets a site store very little.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGINE } from "./support/page.mjs";
import { Profile } from "./support/profile.mjs";
import { siteAndServer } from "./support/site-and-server.mjs";

const { site, server } = siteAndServer();

test("a full disk is reported, and nothing is lost", async (t) => {
  const profile = new Profile();
  t.after(() => profile.remove());
  await profile.open({ quotaKb: 300, quotaRatio: 1e-6 });
  const page = await profile.page(site.url);
  if (ENGINE === "chromium") {
    const { origin } = new URL(site.url);
    await page.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 50_000 });
  }
  const result = await page.evaluate(async (url) => {
    const { connect } = await import("/dist/index.js");
    const { indexedDb } = await import("/dist/storage.js");
    const client = connect(url, { storage: indexedDb("full"), logger: {} });
    const errors = [];
    client.on("error", ({ message }) => errors.push(message));
    const room = client.channel("full");
    const letter = () => String.fromCharCode(35 + Math.random() * 57);
    const text = () => Array.from({ length: 100_000 }, letter).join(""); // random, because Firefox compresses it
    const all = Array.from({ length: 10 }, (_, n) => room.publish({ n, text: text() }));
    const offsets = (await Promise.all(all)).map(({ offset }) => offset);
    return { offsets, errors, isDurable: client.outbox.isDurable };
  }, `ws://127.0.0.1:${server.port}/ws`);
  assert.deepEqual(result.offsets, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.equal(result.errors.length, 1);
  assert.match(result.errors[0], /QuotaExceededError.*; free some of this site's storage; until it works again/);
  assert.equal(result.isDurable, false);
});
