// Writes the declarations of the entries, for `import` and for `require`.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const TYPES = "dist/types";
const RELATIVE = /(?<=(?:from |import\()")(\.{1,2}\/[^"]+)\.js(?=")/g;

/** The declarations that are reachable from these, which may only import others of the package relatively. */
function reachable(files) {
  const found = new Set(files);
  for (const file of found) {
    for (const [, path] of readFileSync(file, "utf8").matchAll(RELATIVE)) {
      const imported = join(file, "..", `${path}.d.ts`);
      if (existsSync(imported)) found.add(imported);
    }
  }
  return found;
}

export function buildTypes(entries) {
  execFileSync("node_modules/.bin/tsc", { stdio: "inherit" });
  const sources = entries.filter(({ workerd }) => !workerd).map(({ source }) => source);
  const kept = reachable(sources.map((source) => join(TYPES, source.replace(/^src\/(.*)\.ts$/, "$1.d.ts"))));
  for (const name of readdirSync(TYPES, { recursive: true })) {
    const file = join(TYPES, name);
    if (name.endsWith(".d.ts") && !kept.has(file)) rmSync(file);
  }
  for (const file of kept) {
    const text = readFileSync(file, "utf8").replace(RELATIVE, "$1.cjs");
    writeFileSync(file.replace(/\.d\.ts$/, ".d.cts"), text);
  }
}
