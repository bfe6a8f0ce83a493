// The copy of a fixture in target/fixtures, with its npm packages.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child } from "./children.mjs";

const TARGET = fileURLToPath(new URL("../../../target/fixtures/", import.meta.url));
const INSTALL_MS = 600_000;
/** What an earlier run has left and this one may use. */
const KEPT = ["node_modules", "package-lock.json", "installed.json"];

/** Copies a fixture and installs its packages; only what has changed since the last run. Returns the folder. */
export async function install(fixture) {
  const dir = join(TARGET, fixture.id);
  const manifest = { ...JSON.parse(readFileSync(join(fixture.dir, "package.json"), "utf8")), private: true };
  if (fixture.version) manifest.dependencies[fixture.versions.package] = fixture.version;
  const packages = JSON.stringify(manifest);
  manifest.dependencies = { ...manifest.dependencies, seamline: `file:${tarball()}` };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  const stamp = join(dir, "installed.json");
  const installed = existsSync(stamp) ? JSON.parse(readFileSync(stamp, "utf8")) : {};
  for (const name of existsSync(dir) ? readdirSync(dir) : []) {
    // npm replaces one package; but what another version of a tool has left there would not be there for a user.
    if (!KEPT.includes(name) || installed.packages !== packages) rmSync(join(dir, name), { recursive: true });
  }
  cpSync(fixture.dir, dir, { recursive: true, filter: (path) => basename(path) !== "node_modules" });
  writeFileSync(join(dir, "package.json"), text);
  if (installed.packages === packages && installed.text === text) return dir;
  rmSync(stamp, { force: true });
  await npmInstall(dir);
  writeFileSync(stamp, JSON.stringify({ packages, text }));
  return dir;
}

/** The packed package, under a name that changes with its content: npm keeps what has the same name. */
function tarball() {
  const from = process.env.SEAMLINE_TARBALL;
  const hash = createHash("sha256").update(readFileSync(from)).digest("hex").slice(0, 12);
  const to = join(TARGET, ".packed", `seamline-${hash}.tgz`);
  mkdirSync(join(TARGET, ".packed"), { recursive: true });
  cpSync(from, to);
  return to;
}

async function npmInstall(dir) {
  const command = "npm install --no-audit --no-fund --no-progress --prefer-offline";
  try {
    await new Child(command, dir).succeeds(INSTALL_MS);
  } catch (error) {
    console.log(`  npm install failed, and is tried once more: ${error.message}`);
    await new Child(command, dir).succeeds(INSTALL_MS);
  }
}

/** The version of a package that is installed in a folder, if it is. */
export function installedVersion(dir, name) {
  const manifest = join(dir, "node_modules", name, "package.json");
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : undefined;
}
