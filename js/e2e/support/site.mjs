// A site with the packed npm package and an empty page, beside the scripts of this folder (for workers).
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const TYPES = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
const HTML = "<!doctype html><meta charset=utf-8><title>e2e</title><link rel=icon href=data:,>";
/** Empty pages with a policy: by their paths, which tests name. */
const POLICIES = {
  "/guarded": "connect-src 'self'",
  "/no-wasm": "script-src 'self' 'unsafe-inline'",
  "/wasm-allowed": "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'",
};
/** Packages that pages import, by their paths. */
const LIBRARIES = {
  "/libraries/dexie.mjs": "dexie/dist/modern/dexie.min.mjs",
  "/libraries/idb.mjs": "idb/build/index.js",
};
const SUPPORT = fileURLToPath(new URL(".", import.meta.url));

export class Site {
  #dir = mkdtempSync(join(tmpdir(), "seamline-npm-"));
  #http;
  #folders;

  /** @param {Record<string, string>} [folders] what else it serves, by the first part of the path */
  constructor(folders = {}) {
    this.#folders = folders;
  }

  /** Unpacks the tarball and serves it. */
  async start() {
    execFileSync("tar", ["-xzf", process.env.SEAMLINE_TARBALL, "-C", this.#dir]);
    this.#http = createServer((request, response) => this.#serve(request, response));
    await new Promise((resolve) => this.#http.listen(0, "127.0.0.1", resolve));
    return this;
  }

  /** The empty page; so are `${url}other` and those of `POLICIES`. */
  get url() {
    return `http://127.0.0.1:${this.#http.address().port}/`;
  }

  #serve(request, response) {
    const policy = POLICIES[request.url];
    if (policy) response.setHeader("Content-Security-Policy", policy);
    if (policy || ["/", "/other"].includes(request.url))
      return response.setHeader("Content-Type", "text/html").end(HTML);
    try {
      const path = new URL(request.url, "http://page").pathname;
      const [, script] = /^\/support\/([\w-]+\.mjs)$/.exec(path) ?? [];
      const library = LIBRARIES[path] && join(SUPPORT, "../../node_modules", LIBRARIES[path]);
      const [, first, rest] = /^\/(\w+)\/([\w.-]+)$/.exec(path) ?? [];
      const folder = this.#folders[first];
      const served = folder ? join(folder, rest) : join(this.#dir, "package", path);
      const body = readFileSync(library ?? (script ? join(SUPPORT, script) : served));
      response.setHeader("Content-Type", TYPES[extname(path)] ?? "text/plain").end(body);
    } catch {
      response.writeHead(404).end();
    }
  }

  async stop() {
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
