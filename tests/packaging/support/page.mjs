// Rows that a page shows: in headless Chromium, from a command that serves it, or from built files.
import { join } from "node:path";
import { launch } from "../../../js/e2e/support/chromium.mjs";
import { unusedPort } from "../../../js/e2e/support/port.mjs";
import { Child } from "./children.mjs";
import { Failure } from "./failure.mjs";
import { Files } from "./files.mjs";

/** A dev server may compile the page first. */
const LOAD_MS = 120_000;
/** A client connects when its wasm is compiled, which takes less. */
const CONNECT_MS = 300;

let browser;
const started = () => (browser ??= launch());

export async function browserVersion() {
  return (await started()).version();
}

export async function stopBrowser() {
  await (await browser)?.close();
  browser = undefined;
}

/**
 * Opens the page of a row. It gets the URL for `connect()` as the parameter `server` of its query. `connections` returns
 * how often that was connected to.
 */
export async function openPage(row, dir, serverUrl, connections) {
  const { files } = row;
  const site = files ? await new Files({ ...files, dir: join(dir, files.dir) }).start() : await serve(row, dir);
  const url = new URL(row.path ?? "/", `http://localhost:${site.port}`);
  url.searchParams.set("server", serverUrl);
  try {
    if (!files) await render(url, connections);
    return await visit(row, url.href, site, serverUrl);
  } catch (error) {
    await site.stop();
    throw error;
  }
}

/** Starts the command that serves the page, and waits until it answers. */
export async function serve(row, dir) {
  const port = await unusedPort();
  const child = new Child(row.serve.replaceAll("{port}", port), dir, { PORT: `${port}`, ...row.env });
  const url = `http://localhost:${port}${row.path ?? "/"}`;
  for (const end = Date.now() + LOAD_MS; ; ) {
    const response = await fetch(url, { signal: AbortSignal.timeout(LOAD_MS) }).catch(() => undefined);
    await response?.body?.cancel();
    if (response) return { port, stop: () => child.stop() };
    if (child.ended === undefined && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    child.kill();
    throw child.failure(child.ended === undefined ? `serves nothing at ${url}` : `ended with ${child.ended}`);
  }
}

/** Fetches the page as a crawler does, without running its scripts. What renders it must not connect. */
async function render(url, connections) {
  const response = await fetch(url, { signal: AbortSignal.timeout(LOAD_MS) });
  await response.text();
  await new Promise((resolve) => setTimeout(resolve, CONNECT_MS));
  if (connections() > 0) throw new Failure("the server connects while it renders the page");
}

async function visit({ toolErrors = [] }, url, site, serverUrl) {
  const context = await (await started()).newContext();
  const page = await context.newPage();
  const errors = [];
  const failed = (text) => {
    if (!toolErrors.some((pattern) => pattern.test(text))) errors.push(text);
  };
  context.on("console", (message) => {
    if (message.type() !== "error" || isOfBrowser(message, serverUrl)) return;
    failed(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => failed(error.stack || String(error))); // the stack may be empty
  const view = {
    // The page is gone for a moment while a dev server reloads it.
    texts: () => page.$$eval("li", (items) => items.map((item) => item.textContent)).catch(() => []),
    check() {
      if (errors.length > 0) throw new Failure(errors.join("\n"));
    },
    async finish() {},
    async close() {
      await context.close();
      await site.stop();
    },
  };
  try {
    await page.goto(url, { timeout: LOAD_MS });
    return view;
  } catch (error) {
    await context.close();
    throw new Failure(error.message.split("\n")[0]);
  }
}

/** What the browser itself logs: attempts to connect while the server is down, and a site without an icon. */
function isOfBrowser(message, serverUrl) {
  const text = message.text();
  const isLostConnection = text.startsWith(`WebSocket connection to '${serverUrl}`) && text.includes(" failed: ");
  return isLostConnection || message.location().url.endsWith("/favicon.ico");
}
