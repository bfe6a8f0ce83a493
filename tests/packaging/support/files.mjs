// Serves built files, as a static host does.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".map": "application/json",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

export class Files {
  #http = createServer((request, response) => this.#serve(request, response));
  #settings;

  /**
   * @param settings.dir the folder
   * @param settings.base the path at which the folder is
   * @param settings.headers sent with each file
   * @param settings.fallback the file for paths that do not exist, as for applications with a router of their own
   */
  constructor(settings) {
    this.#settings = { base: "/", headers: {}, ...settings };
  }

  async start() {
    await new Promise((resolve) => this.#http.listen(0, "127.0.0.1", resolve));
    this.port = this.#http.address().port;
    return this;
  }

  #serve(request, response) {
    const { base, headers, fallback } = this.#settings;
    const { pathname } = new URL(request.url, "http://site");
    const path = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    const file = path.startsWith(base) ? this.#read(path.slice(base.length)) : undefined;
    const [name, body] = file ?? (fallback && this.#read(fallback)) ?? [];
    if (!name) return response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": TYPES[extname(name)] ?? "application/octet-stream", ...headers });
    response.end(body);
  }

  #read(name) {
    try {
      return [name, readFileSync(join(this.#settings.dir, name))];
    } catch {
      return undefined;
    }
  }

  async stop() {
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}
