import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, Example, screenshot, until } from "./support.mjs";

test("a chat in React shows messages, people and gaps", async (t) => {
  const example = await Example.start(t, "react-chat");
  const url = await example.prints(/Local:\s+(\S+)/);
  await example.publish("react-chat", { from: "Bob", text: "from before" });
  const { open, problems } = await browser(t);
  const [ada, bob] = [await open(url), await open(url)];
  const texts = (page) => page.locator("li span").allTextContents();
  for (const [page, name] of [
    [ada, "Ada"],
    [bob, "Bob"],
  ]) {
    await page.getByLabel("Your name").fill(name);
  }
  await until(async () => /Ada, Bob$/.test(await ada.locator(".present").textContent()));

  await ada.context().setOffline(true);
  await say(ada, "hello from Ada");
  await until(async () => (await texts(ada)).length === 2);
  await screenshot(ada, "react-chat-pending");
  await ada.context().setOffline(false);
  await until(async () => (await texts(bob)).length === 2 && (await ada.locator(".pending").count()) === 0);
  await say(bob, "hello, Ada");
  await until(async () => (await texts(ada)).length === 3);
  await ada.reload();
  await until(async () => (await texts(ada)).length === 3);
  for (const page of [ada, bob]) assert.deepEqual(await texts(page), ["from before", "hello from Ada", "hello, Ada"]);
  await screenshot(ada, "react-chat");

  await bob.close();
  await until(async () => /Here now: Ada$/.test(await ada.locator(".present").textContent()));
  assert.deepEqual(problems, []);
});

async function say(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}
