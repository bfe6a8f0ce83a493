// Scripts of two versions of the package in one page: an error names both versions.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { OTHER, otherVersion } from "./support/other-version.mjs";

const ENTRIES = ["index", "plain", "plain-slim", "history", "state", "storage", "tabs", "effects"];
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

const load = async (dist) => {
  const modules = ENTRIES.map(async (name) => [name, await import(pathToFileURL(join(dist, `${name}.js`)))]);
  return Object.fromEntries(await Promise.all(modules));
};
let [own, other, remove] = [];
before(async () => {
  const built = otherVersion(ENTRIES);
  remove = built.remove;
  own = await load(new URL("../dist", import.meta.url).pathname);
  other = await load(built.dist);
});
after(() => remove?.());

/** What an entry makes for `connect` and `channel`, by option. */
const made = ({ plain, "plain-slim": slim, state, storage, tabs, effects }) => ({
  client: [
    ["dialect", plain.plain],
    ["dialect", slim.plain],
    ["storage", storage.memory()],
    ["storage", storage.indexedDb("app")],
    ["storage", storage.custom("app", storage.memory())],
    ["shared", tabs.tabs()],
    ["positions", effects.storedPositions(storage.memory(), { name: "app" })],
  ],
  channel: [
    ["from", state.state(async () => "start")],
    ["transaction", effects.customTransaction({ run() {}, read() {}, write() {} })],
    ["transaction", effects.indexedDbTransaction({ transaction() {} }, [])],
    ["transaction", effects.dexieTransaction({ transaction() {}, table() {} }, [])],
  ],
});

/** A client that loads no WebAssembly. */
const open = ({ index }, options) => index.connect("ws://localhost/ws", { wasm: new Promise(() => {}), ...options });

test("everything that entries make has the version", () => {
  const { client, channel } = made(own);
  for (const [name, value] of [...client, ...channel]) value.seamline(version, assert.fail, name);
  assert.equal(open(own).channel("room").seamline, version);
});

for (const [what, by, to] of [
  ["a newer version", () => other, () => own],
  ["an older version", () => own, () => other],
]) {
  test(`what ${what} has made is refused by name`, async () => {
    const [theirs, ours] = [by() === own ? version : OTHER, by() === own ? OTHER : version];
    const refused = (error) => {
      assert.ok(error instanceof to().index.SeamlineError);
      assert.equal(error.code, "bad_option");
      const versions = `it is from seamline ${theirs}, and the client from seamline ${ours}`;
      assert.match(
        error.message,
        /^invalid (storage|state\(\)|tabs\(\)|transaction|dialect plain|storage of positions): it/,
      );
      assert.ok(error.message.endsWith(`: ${versions}; use one version of the package`), error.message);
      return true;
    };
    const { client, channel } = made(by());
    for (const [name, value] of client) {
      assert.throws(() => open(to(), { [name]: value }), refused, name);
    }
    const opened = open(to());
    for (const [name, value] of channel) {
      assert.throws(() => opened.channel("room", { [name]: value }), refused, name);
    }
    await assert.rejects(by().history.history(opened.channel("room")), {
      name: "TypeError",
      message: `history: invalid channel: from seamline ${ours}; use one version of all scripts: this one is from ${theirs}`,
    });
  });
}

test("history refuses what is no channel", async () => {
  await assert.rejects(own.history.history({}), {
    message: "invalid channel of history: {}; pass what client.channel() returns",
  });
});

test("a list of a framework continues a state of any version", () => {
  assert.equal(typeof own.state.state(async () => "start").at, "function");
});
