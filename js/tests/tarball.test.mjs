// What `npm publish` would publish: every file by its name.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const LIST = new URL("tarball.txt", import.meta.url);
const UPDATE =
  "If that is right, run `SEAMLINE_UPDATE=1 node --test tests/tarball.test.mjs` in js/, after `cargo xtask pack`.";

/** The names that `npm pack` packs, sorted. */
async function packed() {
  const npm = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const { stdout } = await promisify(execFile)("npm", npm, { cwd: fileURLToPath(new URL("..", import.meta.url)) });
  // An array; since npm 12, an object by the package's name.
  const [{ files }] = Object.values(JSON.parse(stdout));
  return files.map(({ path }) => path).sort();
}

test("the package contains exactly the files of tarball.txt", async () => {
  const files = await packed();
  if (process.env.SEAMLINE_UPDATE) await writeFile(LIST, `${files.join("\n")}\n`);
  const listed = (await readFile(LIST, "utf8")).trim().split("\n");
  const missing = listed.filter((name) => !files.includes(name));
  const added = files.filter((name) => !listed.includes(name));
  assert.deepEqual({ missing, added }, { missing: [], added: [] }, UPDATE);
});
