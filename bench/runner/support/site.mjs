// The pages: each has one script, bundled with the library that it measures.
import { copyFileSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const esbuild = createRequire(new URL("../../../js/package.json", import.meta.url))("esbuild");

const PAGES = fileURLToPath(new URL("../pages/", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
/** With these, a page's clock has a resolution of 5 µs instead of 100. */
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

export class Site {
  #dir;
  #peers;
  #bundled = new Set();
  #http = createServer((request, response) => this.#serve(request, response));

  /**
   * @param {string} dir where to write the scripts
   * @param {string} peers the folder in which the other libraries are installed
   */
  constructor(dir, peers) {
    this.#dir = dir;
    this.#peers = peers;
  }

  async start() {
    await new Promise((resolve) => this.#http.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get port() {
    return this.#http.address().port;
  }

  /** The URL of the page with that script, which imports `seamline` from an unpacked package. */
  async url(script, seamline) {
    const name = `${seamline.name}/${script}`;
    if (!this.#bundled.has(name)) {
      await this.#bundle(script, seamline, join(this.#dir, `${name}.js`));
      copyFileSync(join(seamline.dir, "dist/seamline.wasm"), join(this.#dir, `${seamline.name}/seamline.wasm`));
    }
    this.#bundled.add(name);
    return `http://127.0.0.1:${this.port}/${name}.html`;
  }

  #bundle(script, seamline, outfile) {
    return esbuild.build({
      entryPoints: [join(PAGES, `${script}.mjs`)],
      outfile,
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
      target: "es2022",
      alias: { seamline: join(seamline.dir, "dist/index.js"), "seamline/slim": join(seamline.dir, "dist/slim.js") },
      nodePaths: [join(this.#peers, "node_modules")],
      define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
      logLevel: "error",
    });
  }

  #serve(request, response) {
    const { pathname } = new URL(request.url, "http://page");
    const headers = { "Content-Type": TYPES[extname(pathname)], ...ISOLATED };
    if (extname(pathname) === ".html") return response.writeHead(200, headers).end(html(pathname));
    try {
      const body = readFileSync(join(this.#dir, pathname.slice(1)));
      response.writeHead(200, headers).end(body);
    } catch {
      response.writeHead(404).end();
    }
  }

  async stop() {
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}

/** The package advises to preload the wasm of its entry `slim`. */
function html(path) {
  const wasm = path.replace(/cold\/.*/, "seamline.wasm");
  const preload = path.endsWith("slim.html") ? `<link rel=preload as=fetch crossorigin href="${wasm}">` : "";
  return `<!doctype html><meta charset=utf-8><title>bench</title><link rel=icon href=data:,>${preload}
<script type=module src="${path.replace(/html$/, "js")}"></script>`;
}
