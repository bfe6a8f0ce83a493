// Makes the folder that JSR publishes out of dist/: node build/jsr.mjs FOLDER
//
// JSR takes no `.wasm` file as a module, so it gets the entries that contain theirs. It follows no `exports` for types:
// each script names its own, and declarations import each other by their full names.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const NAME = "@seamline/seamline";
const ENTRIES = [".", "./plain", "./history", "./state", "./storage", "./tabs", "./effects", "./testing"];
const RELATIVE = /(?<=(?:from |import\()")(\.{1,2}\/[^"]+)\.js(?=")/g;

const [folder] = process.argv.slice(2);
const { version, license, exports } = JSON.parse(readFileSync("package.json", "utf8"));

function write(path, text) {
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** Writes a declaration, and those that it imports. */
function writeTypes(path, written = new Set()) {
  if (written.has(path)) return;
  written.add(path);
  const text = readFileSync(path, "utf8").replace(RELATIVE, "$1.d.ts");
  write(path, text);
  for (const [, imported] of text.matchAll(/"(\.{1,2}\/[^"]+\.d\.ts)"/g)) {
    writeTypes(join(dirname(path), imported), written);
  }
}

function writeScript({ types, default: script }) {
  const code = readFileSync(script, "utf8").replace(/\n\/\/# sourceMappingURL=.*/, "");
  const path = relative(dirname(script), types);
  write(script, `/* @ts-self-types="./${path}" */\n${code}`);
  writeTypes(types);
}

rmSync(folder, { recursive: true, force: true });
for (const entry of ENTRIES) writeScript(exports[entry].import);
for (const name of ["README.md", "LICENSE-APACHE", "LICENSE-MIT"]) copyFileSync(name, join(folder, name));
const scripts = Object.fromEntries(ENTRIES.map((entry) => [entry, exports[entry].import.default]));
write("jsr.json", `${JSON.stringify({ name: NAME, version, license, exports: scripts }, null, 2)}\n`);
