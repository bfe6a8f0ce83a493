// Makes dist/, and the folders of the entries, out of src/ and of the wasm and glue in pkg/ and pkg-plain/ (from `cargo xtask pack`).
import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { ENTRIES } from "./build/entries.mjs";
import { writeFolders } from "./build/folders.mjs";
import { buildScripts } from "./build/scripts.mjs";
import { buildTypes } from "./build/types.mjs";

rmSync("dist", { recursive: true, force: true });
buildTypes(ENTRIES);
await buildScripts(ENTRIES);
writeFolders(JSON.parse(readFileSync("package.json", "utf8")));
copyFileSync("pkg/seamline_bg.wasm", "dist/seamline.wasm");
copyFileSync("pkg-plain/seamline_bg.wasm", "dist/seamline-plain.wasm");
