// Builds an example in Rust as its README says, and runs it against a real server, which is killed.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { unusedPort } from "../../js/e2e/support/port.mjs";
import { Child } from "../packaging/support/children.mjs";
import { browser, screenshot, temporary, until } from "./support.mjs";

const BUILD_MS = 1_800_000;

/** Opens the chat of an example, whose channel has its name, and checks what it shows. */
export async function chat(t, name) {
  const folder = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
  const wasm = `${process.env.CARGO_TARGET_DIR ?? "target"}/wasm32-unknown-unknown/release/${name}.wasm`;
  const bindgen = `wasm-bindgen --target web --no-typescript --out-dir www/pkg ${wasm}`;
  for (const command of ["cargo build --release --locked --target wasm32-unknown-unknown", bindgen]) {
    await new Child(command, folder).succeeds(BUILD_MS);
  }
  const [port, data] = [await unusedPort(), temporary(t)];
  const origin = `http://127.0.0.1:${port}`;
  const publish = (text) => post(`${origin}/channels/${name}/messages`, text);

  let server = await started(folder, port, data);
  t.after(() => server.stop());
  await publish("from before");
  const { open, problems } = await browser(t);
  const page = await open(origin);
  const shown = async (...texts) => {
    await until(async () => (await page.locator("li").count()) >= texts.length);
    assert.deepEqual(await page.locator("li").allTextContents(), texts);
  };
  const state = (name) => until(async () => (await page.getByRole("status").textContent()) === name);
  await shown("from before");
  await publish("live");
  await shown("from before", "live");

  // Stored before the kill, published without a server, and published after it.
  await say(page, "from the page");
  await shown("from before", "live", "from the page");
  server.kill();
  await server.closed;
  await state("waiting");
  await say(page, "while it was away");
  await screenshot(page, `${name}-waiting`);
  server = await started(folder, port, data);
  await state("open");
  await publish("after");
  await until(async () => (await page.locator("li").count()) === 5);
  const texts = await page.locator("li").allTextContents();
  assert.deepEqual(texts.slice(0, 3), ["from before", "live", "from the page"]);
  assert.deepEqual(texts.slice(3).sort(), ["after", "while it was away"]);

  // A message that is no `{ text }` does not end the chat.
  await post(`${origin}/channels/${name}/messages`, undefined, "17");
  await publish("the last one");
  await until(async () => (await page.locator("li").count()) === 7);
  assert.match(await page.locator("li.missing").textContent(), /^message 6: /);
  await screenshot(page, name);
  await page.reload();
  await until(async () => (await page.locator("li").count()) === 7);
  assert.deepEqual(problems.filter(unexpected), []);
}

/** Chromium reports each socket that finds no server. */
const unexpected = (problem) => !/WebSocket connection to .* failed/.test(problem);

async function started(folder, port, data) {
  const command = `"${process.env.SEAMLINE_SERVER}" --www www --listen 127.0.0.1:${port} --data "${data}"`;
  const server = new Child(command, folder);
  await until(async () => {
    if (server.ended !== undefined) throw server.failure(`ended with ${server.ended}`);
    return (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok;
  });
  return server;
}

async function post(url, text, body = JSON.stringify({ text })) {
  const response = await fetch(url, { method: "POST", body });
  if (!response.ok) throw new Error(await response.text());
}

async function say(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}
