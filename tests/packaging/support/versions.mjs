// What the table calls a fixture: its tools, in the versions that were really installed.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { browserVersion } from "./page.mjs";

/** Tools that are on the machine, if npm has installed no others. */
const MACHINE = {
  chromium: { name: "Chromium", version: browserVersion },
  node: { name: "Node", version: () => process.versions.node },
};

/** The versions of the fixture that is installed in `dir`; its name, if it lists no tools. */
export async function versionsOf({ name, tools = [] }, dir) {
  const versions = [];
  for (const tool of tools) {
    const version = installedVersion(dir, tool) ?? (await MACHINE[tool]?.version());
    if (!version) throw new Error(`${dir}: npm has not installed ${tool}`);
    versions.push(`${MACHINE[tool]?.name ?? tool} ${version}`);
  }
  return versions.length > 0 ? versions.join(", ") : name;
}

/** What all rows run on. */
export async function machine() {
  return `Chromium ${await browserVersion()} and Node ${process.versions.node}`;
}

function installedVersion(dir, name) {
  const manifest = join(dir, "node_modules", name, "package.json");
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : undefined;
}
