// Runs an example as its README says: `npm install`, `npm start`, in its own folder. `cargo xtask examples` sets the
// environment: SEAMLINE_SERVER and CHROMIUM. The package must be built (`cargo xtask pack`).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "../../js/e2e/support/chromium.mjs";
import { unusedPort } from "../../js/e2e/support/port.mjs";
import { until } from "../../js/tests/support/server.mjs";
import { Child } from "../packaging/support/children.mjs";

export { until };

const INSTALL = "npm install --no-audit --no-fund --no-progress --prefer-offline";
const INSTALL_MS = 600_000;

const folder = (name) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));

/** A folder that is removed after the test. */
export function temporary(t) {
  const dir = mkdtempSync(join(tmpdir(), "seamline-example-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Node.js 24 from npm, if this one is too old for `node:sqlite`. It comes first on the path of what is started later. */
export async function newNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 13)) return;
  const dir = fileURLToPath(new URL("../../target/examples-node", import.meta.url));
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "package.json"), '{"private":true,"dependencies":{"node":"^24"}}');
  await new Child(INSTALL, dir).succeeds(INSTALL_MS);
  process.env.PATH = `${join(dir, "node_modules/.bin")}${delimiter}${process.env.PATH}`;
}

export class Example {
  /** What `npm start` has printed on stdout. */
  output = "";
  #child;

  /** Installs and starts an example, and ends it with the test. */
  static async start(t, name, env = {}) {
    const example = new Example();
    await new Child(INSTALL, folder(name)).succeeds(INSTALL_MS);
    const PORT = String(await unusedPort());
    example.#child = new Child("npm start", folder(name), { PORT, SEAMLINE_DATA: temporary(t), ...env });
    t.after(() => example.#child.stop());
    example.#child.onStdout((text) => (example.output += text));
    await example.prints(/Seamline server: (\S+)/);
    return example;
  }

  /** Waits until the output matches. Returns the first group. */
  async prints(pattern) {
    await until(() => {
      if (this.#child.ended !== undefined) throw this.#child.failure(`ended with ${this.#child.ended}`);
      return pattern.test(this.output);
    });
    return pattern.exec(this.output)[1];
  }

  /** The messages in a channel. */
  async log(channel) {
    const http = await this.prints(/Seamline server: (\S+)/);
    const response = await fetch(`${http}/channels/${encodeURIComponent(channel)}/messages?limit=1000`);
    return (await response.json()).messages;
  }

  async publish(channel, data, key = crypto.randomUUID()) {
    const http = await this.prints(/Seamline server: (\S+)/);
    const url = `${http}/channels/${encodeURIComponent(channel)}/messages`;
    const response = await fetch(url, {
      method: "POST",
      headers: { "Idempotency-Key": key },
      body: JSON.stringify(data),
    });
    if (!response.ok) throw new Error(await response.text());
  }
}

/** A browser that ends with the test. `open` opens a page in a context of its own, which must report no error. */
export async function browser(t) {
  const chromium = await launch();
  t.after(() => chromium.close());
  const problems = [];
  return {
    problems,
    open: async (url, options = {}) => {
      const context = await chromium.newContext(options);
      const page = await context.newPage();
      page.on("pageerror", (error) => problems.push(String(error)));
      page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
      await page.goto(url);
      return page;
    },
  };
}

/** With SCREENSHOTS=DIR: keeps a picture of a page, as wide as a desktop and as a phone. */
export async function screenshot(page, name) {
  if (!process.env.SCREENSHOTS) return;
  for (const [kind, width, height] of [
    ["desktop", 1280, 800],
    ["phone", 390, 844],
  ]) {
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}-${kind}.png`) });
  }
}
