// Some tools do not read `exports` in package.json: Parcel 2, and TypeScript with `moduleResolution: "node10"`. They
// look for a folder instead, `seamline/react/` for `seamline/react`, whose package.json names the files.
import { mkdirSync, writeFileSync } from "node:fs";

/** What the folder of each entry contains, by its name. Files, such as `seamline.wasm`, have none. */
export function folders(manifest) {
  const found = {};
  for (const [path, entry] of Object.entries(manifest.exports)) {
    if (path === "." || typeof entry === "string") continue;
    const up = (file) => file.replace("./", "../");
    const { import: module, require: main } = entry;
    found[path.slice(2)] = { main: up(main.default), module: up(module.default), types: up(module.types) };
  }
  return found;
}

export function writeFolders(manifest) {
  for (const [name, content] of Object.entries(folders(manifest))) {
    mkdirSync(name, { recursive: true });
    writeFileSync(`${name}/package.json`, `${JSON.stringify({ ...content, sideEffects: false }, null, 2)}\n`);
  }
}
