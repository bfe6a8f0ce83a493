// Checks every link of the built site: its page exists, and so does its anchor. rustdoc checks its own pages.
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { pages, SITE } from "./site.mjs";

const RUSTDOC = `rust${sep}`;

/** The values of an attribute in a page, with their character references resolved. */
function attributes(html, name) {
  const values = html.matchAll(new RegExp(`<[a-z][^>]*?\\s${name}="([^"]*)"`, "gi"));
  return [...values].map(([, value]) => value.replaceAll("&amp;", "&"));
}

const anchors = new Map();

function anchorsOf(file) {
  if (!anchors.has(file)) anchors.set(file, new Set(attributes(readFileSync(file, "utf8"), "id")));
  return anchors.get(file);
}

/** The file that a path leads to. */
function target(path, page) {
  const file =
    path === "" ? join(SITE, page) : path.startsWith("/") ? join(SITE, path) : resolve(SITE, dirname(page), path);
  if (existsSync(file) && statSync(file).isDirectory()) return join(file, "index.html");
  return existsSync(file) ? file : `${file}.html`;
}

/** What is wrong with a link, if anything is. */
function problem(href, page) {
  if (/^[a-z]+:|^\/\//i.test(href)) return undefined;
  const [path, anchor] = href.split("#").map(decodeURIComponent);
  const file = target(path.split("?")[0], page);
  if (!existsSync(file)) return "no such page";
  if (anchor && file.endsWith(".html") && !anchorsOf(file).has(anchor)) return "no such anchor";
}

const broken = [];
let links = 0;
for (const page of pages().filter((page) => !page.startsWith(RUSTDOC) && page !== "404.html")) {
  const html = readFileSync(join(SITE, page), "utf8");
  for (const href of [...attributes(html, "href"), ...attributes(html, "src")]) {
    const what = problem(href, page);
    links += 1;
    if (what) broken.push(`${page} -> ${href}: ${what}`);
  }
}
console.log(`${links} links checked, ${broken.length} broken`);
if (broken.length > 0) {
  console.error([...new Set(broken)].join("\n"));
  process.exitCode = 1;
}
