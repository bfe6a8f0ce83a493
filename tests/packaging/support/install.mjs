// The copy of a fixture in target/fixtures, with its npm packages.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child } from "./children.mjs";

const TARGET = fileURLToPath(new URL("../../../target/fixtures/", import.meta.url));
const INSTALL_MS = 600_000;
/** What npm has installed, and for what. */
const INSTALLED = ["node_modules", "package-lock.json", "package.json", "installed.json"];

/** Copies a fixture and installs its packages; only what has changed since the last run. Returns the folder. */
export async function install(fixture) {
  const dir = join(TARGET, fixture.id);
  const manifest = { ...JSON.parse(readFileSync(join(fixture.dir, "package.json"), "utf8")), private: true };
  manifest.dependencies = { ...manifest.dependencies };
  for (const name of [fixture.versions?.package ?? []].flat()) manifest.dependencies[name] = fixture.version;
  const packages = JSON.stringify(manifest);
  manifest.dependencies.seamline = `file:${tarball()}`;
  const stamp = join(dir, "installed.json");
  const installed = existsSync(stamp) ? JSON.parse(readFileSync(stamp, "utf8")) : {};
  const isInstalled = installed.packages === packages && installed.tarball === manifest.dependencies.seamline;
  if (!isInstalled) {
    // npm replaces one package; but what another version of a tool has left would not be there for a user.
    if (installed.packages !== packages) rmSync(dir, { recursive: true, force: true });
    rmSync(stamp, { force: true });
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  }
  copySources(fixture, dir);
  if (isInstalled) return dir;
  await npmInstall(dir);
  writeFileSync(stamp, JSON.stringify({ packages, tarball: manifest.dependencies.seamline }));
  return dir;
}

/** Makes everything but the installed packages as it is in the fixture: no row finds what another has built. */
export function copySources(fixture, dir) {
  for (const name of readdirSync(dir)) {
    if (!INSTALLED.includes(name)) rmSync(join(dir, name), { recursive: true });
  }
  for (const name of readdirSync(fixture.dir)) {
    if (!INSTALLED.includes(name)) cpSync(join(fixture.dir, name), join(dir, name), { recursive: true });
  }
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
