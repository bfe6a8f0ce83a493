// Starts a Seamline server, and then an example: `node ../start.mjs [--www DIR] [COMMAND…]`, in the example's folder.
//
// The command gets the server's URLs in SEAMLINE_URL (for `connect`) and SEAMLINE_HTTP (for publishing over HTTP).
// Messages are kept in `data/`, or in the folder SEAMLINE_DATA. SEAMLINE_SERVER may name a server that is already built.
import { spawn } from "node:child_process";
import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const MANIFEST = fileURLToPath(new URL("../Cargo.toml", import.meta.url));
const PACKAGE = fileURLToPath(new URL("../js", import.meta.url));
const [www, command] =
  process.argv[2] === "--www" ? [process.argv.slice(2, 4), process.argv.slice(4)] : [[], process.argv.slice(2)];

if (!existsSync("node_modules/seamline")) stop("seamline is not installed; run `npm install`");
if (!existsSync(join(PACKAGE, "dist/index.js"))) stop("the package is not built; run `cargo xtask pack`");
// npm does not install a folder again after it was built again.
for (const name of ["dist", "package.json"]) {
  cpSync(join(PACKAGE, name), join("node_modules/seamline", name), { recursive: true });
}
rmSync("node_modules/.vite", { recursive: true, force: true });

const children = [];
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => end(0));

const server = start(...serverCommand(), ["ignore", "pipe", "inherit"]);
for await (const line of createInterface(server.stdout)) {
  const http = /listening on (\S+)/.exec(line)?.[1];
  if (http) run(http);
}

/** The server: the one that SEAMLINE_SERVER names, or this repository's. */
function serverCommand() {
  const args = ["--listen", "127.0.0.1:0", "--data", process.env.SEAMLINE_DATA ?? "data", ...www];
  if (process.env.SEAMLINE_SERVER) return [process.env.SEAMLINE_SERVER, args];
  console.log("Building the Seamline server. The first time takes a few minutes.");
  return ["cargo", ["run", "--quiet", "--manifest-path", MANIFEST, "-p", "seamline-server", "--", ...args]];
}

/** The example, which uses the server at this address. */
function run(http) {
  const ws = `${http.replace("http", "ws")}/ws`;
  const env = { SEAMLINE_HTTP: http, SEAMLINE_URL: ws, VITE_SEAMLINE_URL: ws, NEXT_PUBLIC_SEAMLINE_URL: ws };
  Object.assign(process.env, env);
  console.log(`Seamline server: ${http}`);
  if (www.length > 0) console.log(`Open ${http}/`);
  if (command.length > 0) start(command[0], command.slice(1), "inherit");
}

/** Starts a process. When one ends, all end. */
function start(name, args, stdio) {
  const child = spawn(name, args, { stdio, env: { RUST_LOG: "warn", ...process.env } });
  children.push(child);
  child.once("error", ({ code }) => stop(code === "ENOENT" ? missing(name) : `cannot start ${name}: ${code}`));
  child.once("exit", (code) => end(code ?? 0));
  return child;
}

function missing(name) {
  if (name !== "cargo") return `${name} is missing; run \`npm install\``;
  return "cargo is missing; install Rust from https://rustup.rs, or set SEAMLINE_SERVER to a built seamline-server";
}

function end(code) {
  for (const child of children) child.kill("SIGTERM");
  process.exitCode ??= code;
  process.removeAllListeners("SIGINT");
}

function stop(reason) {
  console.error(`error: ${reason}`);
  process.exit(1);
}
