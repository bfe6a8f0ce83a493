// Links to source code. The pages link to files of the repository, as `../js/src/socket.ts`. The site has copies of those
// files as text, in source/, and a list of files for each folder that a page links to.
import { cpSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const DOCS = fileURLToPath(new URL("..", import.meta.url));
const ROOT = resolve(DOCS, "..");

/** The linked files and folders, relative to the root. */
const linked = new Set();

/** Makes links to anything that is not a page of the site lead to its copy. */
export function linkSources(md) {
  const render = md.renderer.rules.link_open;
  md.renderer.rules.link_open = (tokens, index, options, env, self) => {
    const token = tokens[index];
    const url = sourceUrl(token.attrGet("href"), env.path);
    if (url) {
      token.attrSet("href", url);
      token.attrSet("target", "_self"); // not a page that the site's router could show
    }
    return render(tokens, index, options, env, self);
  };
}

function sourceUrl(href, page) {
  if (/^([a-z]+:|[/#])/.test(href) || !page) return undefined;
  const file = resolve(dirname(page), href.split("#")[0]);
  const isPage = file.endsWith(".md") || existsSync(`${file}.md`);
  if (isPage && !relative(DOCS, file).startsWith("..")) return undefined;
  const path = relative(ROOT, file);
  linked.add(path);
  return statSync(file).isDirectory() ? `/source/${path}/index.html` : `/source/${path}.txt`;
}

/** Copies what the pages link to. */
export function copySources(outDir) {
  for (const path of linked) {
    const from = join(ROOT, path);
    if (statSync(from).isDirectory()) writeFolder(path, outDir);
    else copyFile(path, outDir);
  }
}

function copyFile(path, outDir) {
  const to = join(outDir, "source", `${path}.txt`);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(join(ROOT, path), to);
}

function writeFolder(path, outDir) {
  const files = readdirSync(join(ROOT, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
    .map((entry) => relative(join(ROOT, path), join(entry.parentPath, entry.name)))
    .sort();
  for (const file of files) copyFile(join(path, file), outDir);
  const items = files.map((file) => `<li><a href="${file}.txt">${file}</a></li>`).join("\n");
  const html = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${path}</title>
<body style="overflow-wrap: anywhere; font: 16px/1.6 system-ui; margin: 2rem; color: #213547">
<main><h1>${path}</h1>
<ul>
${items}
</ul></main>`;
  mkdirSync(join(outDir, "source", path), { recursive: true });
  writeFileSync(join(outDir, "source", path, "index.html"), html);
}
