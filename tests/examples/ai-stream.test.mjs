import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, Example, screenshot, until } from "./support.mjs";

test("an answer survives a reload", async (t) => {
  const example = await Example.start(t, "ai-stream");
  const { open, problems } = await browser(t);
  const page = await open(await example.prints(/Open (\S+)/));
  const answer = (where) => where.locator(".answer").textContent();
  const words = async (where) => (await answer(where)).split(/\s+/).length;
  await page.getByLabel("Question").fill("does it survive?");
  await page.getByRole("button", { name: "Ask" }).click();
  await until(async () => (await page.locator(".answer").count()) === 1 && (await words(page)) > 10);

  await page.reload();
  const second = await open(page.url());
  await until(async () => (await page.locator(".answer").count()) === 1 && (await words(page)) > 10);
  assert.equal(await page.locator(".streaming").count(), 1, "it was reloaded in the middle");
  await screenshot(page, "ai-stream-middle");

  await until(
    async () => (await page.locator(".streaming").count()) + (await second.locator(".streaming").count()) === 0,
  );
  const log = await example.log(`chat-${new URL(page.url()).hash.slice(1)}`);
  const tokens = log.filter(({ data }) => data.type === "token").map(({ data }) => data.text);
  assert.ok(tokens.length > 80);
  for (const one of [page, second]) assert.equal(await answer(one), tokens.join(""));
  await screenshot(second, "ai-stream-end");
  assert.deepEqual(problems, []);
});
