// The built site in target/docs: its files, and a server for it.
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const SITE = process.env.SEAMLINE_SITE ?? fileURLToPath(new URL("../../target/docs", import.meta.url));

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".woff2": "font/woff2",
};

/** The HTML pages, as paths below the site. */
export function pages() {
  const entries = readdirSync(SITE, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".html"));
  return files.map((file) => relative(SITE, join(file.parentPath, file.name))).sort();
}

/** Serves the site, and resolves with its URL and a function that stops it. */
export async function serve(port = 0) {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://site").pathname);
    const file = resolve(SITE, `.${path.endsWith("/") ? `${path}index.html` : path}`);
    const body = file.startsWith(SITE + sep) && (read(file) ?? read(`${file}.html`));
    const type = TYPES[extname(file)] ?? (read(file) ? "application/octet-stream" : TYPES[".html"]);
    if (body) response.setHeader("Content-Type", type).end(body);
    else response.writeHead(404, { "Content-Type": TYPES[".html"] }).end(read(join(SITE, "404.html")));
  });
  await new Promise((done, failed) => server.once("error", failed).listen(port, "127.0.0.1", done));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, stop };
}

function read(file) {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
