import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, Example, screenshot, until } from "./support.mjs";

test("one HTML file shows each message once", async (t) => {
  const example = await Example.start(t, "html-page");
  const url = await example.prints(/Open (\S+)/);
  await example.publish("html-page", { text: "from before" });
  const { open, problems } = await browser(t);
  const [ada, bob] = [await open(url), await open(url)];
  const texts = (page) => page.locator("li").allTextContents();
  await until(async () => (await texts(ada)).length === 1);
  await ada.getByLabel("Message", { exact: true }).fill("hello from Ada");
  await ada.getByRole("button", { name: "Send" }).click();
  await until(async () => (await texts(bob)).length === 2);
  await ada.reload();
  await until(async () => (await texts(ada)).length === 2);
  for (const page of [ada, bob]) assert.deepEqual(await texts(page), ["from before", "hello from Ada"]);
  assert.equal(await bob.getByRole("status").textContent(), "connected");
  await screenshot(ada, "html-page");
  assert.deepEqual(problems, []);
});
