import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, Example, screenshot, until } from "./support.mjs";

test("a feed continues where the server rendered it", async (t) => {
  const example = await Example.start(t, "next-feed");
  const url = await example.prints(/Local:\s+(\S+)/);
  const post = (text) => example.publish("feed", { text, at: new Date().toISOString() });
  for (const text of ["one", "two"]) await post(text);

  const html = await (await fetch(url)).text();
  assert.match(html, /two.*one/s, "the page has its content before any script runs");

  const { open, problems } = await browser(t);
  // Posts that are published while the page loads are in the page or in the stream.
  let loaded = false;
  const opening = open(url).finally(() => (loaded = true));
  let count = 0;
  while (!loaded) {
    await post(`meanwhile ${++count}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const page = await opening;
  const texts = () => page.locator("li").evaluateAll((items) => items.map((item) => item.firstChild.textContent));
  await post("three");
  await until(async () => (await texts())[0] === "three");
  await page.getByRole("textbox").fill("from the page");
  await page.getByRole("button", { name: "Post" }).click();
  await until(async () => (await example.log("feed")).at(-1).data.text === "from the page");
  await until(async () => (await texts())[0] === "from the page" && (await page.locator(".pending").count()) === 0);

  const all = (await example.log("feed")).map(({ data }) => data.text).reverse();
  assert.ok(count > 0);
  // At most 20 were rendered; none is missing or repeated after those.
  const shown = await texts();
  assert.deepEqual(shown, all.slice(0, shown.length));
  assert.ok(shown.length >= Math.min(20, all.length));
  await screenshot(page, "next-feed");
  assert.deepEqual(problems, []);
});
