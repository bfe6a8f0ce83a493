// Runs the programs in the guides against a real server: the code blocks with a file name, such as ```python [sign.py].
//
//   SEAMLINE_SERVER=target/debug/seamline-server node docs/tools/run-code.mjs
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Server } from "../../js/e2e/support/server.mjs";
import { blocks } from "./blocks.mjs";

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WORK = join(ROOT, "target/docs-code");
const PYTHON_PACKAGES = ["PyJWT==2.10.1", "requests==2.32.5"];
const RUST_PACKAGES = `
jsonwebtoken = { version = "11", default-features = false, features = ["rust_crypto"] }
serde_json = "1"
ureq = { version = "3", features = ["json"] }
`;

/** By the ending of a program's name: how it is run. */
const RUN = {
  js: (file) => ["node", [file]],
  mjs: (file) => ["node", [file]],
  py: async (file) => [await python(), [file]],
  rs: (file) => ["cargo", ["run", "--quiet", "--manifest-path", crate(file)]],
  sh: (file) => ["bash", [file]],
};

/** A Python with the packages that the guides use. */
async function python() {
  const venv = join(WORK, "venv");
  const bin = join(venv, "bin/python");
  if (!existsSync(bin)) await execute("python3", ["-m", "venv", venv]);
  await execute(bin, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...PYTHON_PACKAGES]);
  return bin;
}

/** A crate with the program as its only file. */
function crate(file) {
  const manifest = join(WORK, "rust", "Cargo.toml");
  mkdirSync(dirname(manifest), { recursive: true });
  const bin = `[[bin]]\nname = "program"\npath = ${JSON.stringify(file)}\n`;
  const head = `[package]\nname = "program"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n`;
  writeFileSync(manifest, `${head}${bin}[dependencies]${RUST_PACKAGES}`);
  return manifest;
}

/** Runs the program of that name in a guide, and returns what it prints. */
async function run(page, name, server, env) {
  const block = blocks(page).find((block) => block.file === name);
  assert.ok(block, `${page} has no program ${name}`);
  const file = join(WORK, name);
  writeFileSync(file, block.code.replaceAll("http://127.0.0.1:8080", server.url));
  const [command, args] = await RUN[name.split(".").at(-1)](file);
  const { stdout } = await execute(command, args, { env: { ...process.env, ...env } });
  return stdout.trim();
}

/** The status of a publication with this token. */
async function publish(server, channel, token) {
  const headers = { Authorization: `Bearer ${token}` };
  const request = { method: "POST", headers, body: '"hi"' };
  return (await fetch(`${server.url}/channels/${channel}/messages`, request)).status;
}

mkdirSync(WORK, { recursive: true });
if (!existsSync(join(WORK, "node_modules"))) symlinkSync(join(ROOT, "docs/node_modules"), join(WORK, "node_modules"));
const secret = randomBytes(32).toString("hex");
process.env.SEAMLINE_TOKEN_SECRET = secret;
const server = await new Server([]).start();
try {
  let token;
  for (const name of ["sign.mjs", "sign.py", "sign.rs"]) {
    token = await run("docs/guide/tokens.md", name, server, {});
    assert.equal(await publish(server, "room-2", token), 201, `${name}: the token grants access to its channels`);
    assert.equal(await publish(server, "news", token), 403, `${name}: the token grants access to no other`);
    console.log(`${name}: ok`);
  }
  for (const name of ["publish.sh", "publish.mjs", "publish.py", "publish.rs"]) {
    const printed = await run("docs/guide/publishing.md", name, server, { TOKEN: token });
    assert.match(printed, /offset\W+1\b/, `${name}: the message is stored once`);
    console.log(`${name}: ok`);
  }
  await run("docs/guide/testing.md", "chat.test.mjs", server, {});
  console.log("chat.test.mjs: ok");
} finally {
  await server.stop();
}
