// Compiles the TypeScript and the JavaScript in the guides, the home page and the README against the package's types.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { blocks } from "./blocks.mjs";

const DOCS = fileURLToPath(new URL("..", import.meta.url));
/** Inside docs/, where the compiler finds docs/node_modules. */
const WORK = join(DOCS, ".vitepress/cache/code");
const PAGES = ["README.md", "docs/index.md", ...readdirSync(join(DOCS, "guide")).map((name) => `docs/guide/${name}`)];
const CHECKED = ["js", "ts", "tsx", "vue", "svelte"];

/** The script of a component, and any other block as it is. What a component's template does with it is not checked. */
function script({ language, code }) {
  const [, inside] = /<script[^>]*>(.*?)<\/script>/s.exec(code) ?? [];
  return ["vue", "svelte"].includes(language) ? { extension: "ts", code: inside } : { extension: language, code };
}

rmSync(WORK, { recursive: true, force: true });
mkdirSync(WORK, { recursive: true });
const checked = PAGES.flatMap(blocks).filter(({ language }) => CHECKED.includes(language));
for (const block of checked) {
  const { page, line } = block;
  const { extension, code } = script(block);
  const name = `${page
    .replace(/^docs\//, "")
    .replaceAll("/", "-")
    .replace(".md", "")}-line-${line}.${extension}`;
  writeFileSync(join(WORK, name), `${code}\nexport {};\n`); // a module, whatever it has
}
const config = {
  extends: "../../../tsconfig.json",
  compilerOptions: { allowJs: true, checkJs: true, noImplicitAny: false, jsx: "react-jsx", types: ["node"] },
  include: ["*", "../../../tools/*.d.ts"],
};
writeFileSync(join(WORK, "tsconfig.json"), JSON.stringify(config));
try {
  execFileSync(join(DOCS, "node_modules/.bin/tsc"), ["-p", WORK], { stdio: "inherit" });
  console.log(`${checked.length} code blocks compile`);
} catch {
  process.exitCode = 1;
}
