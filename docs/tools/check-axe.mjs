// Checks every page of the built site with axe in Chromium, at desktop and phone width, light and dark. With
// SCREENSHOTS=DIR it also takes a picture of each page.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { pages, serve } from "./site.mjs";

const require = createRequire(import.meta.url);
const { chromium } = createRequire(new URL("../../js/package.json", import.meta.url))("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const VIEWS = [
  { name: "desktop", viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  { name: "phone", viewport: { width: 390, height: 844 }, colorScheme: "dark" },
];

/** Generated pages look alike: of each folder of the API reference and of the sources, one is checked. */
function sample() {
  const seen = new Set();
  return pages().filter((page) => {
    if (page.startsWith(`rust${sep}`)) return false; // rustdoc's own
    const isGenerated = page.startsWith(`api${sep}`) || page.startsWith(`source${sep}`);
    const kind = isGenerated ? dirname(page).split(sep).slice(0, 3).join(sep) : page;
    const isFirst = !seen.has(kind);
    seen.add(kind);
    return isFirst;
  });
}

/** The serious and critical findings on a page, one line each. */
async function findings(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, impact, help, nodes }) =>
      nodes.map(({ target }) => `${impact} ${id}: ${help}: ${target.join(" ")}`),
    );
}

const site = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu"],
});
const found = [];
const checked = sample();
for (const { name, ...view } of VIEWS) {
  const page = await (await browser.newContext(view)).newPage();
  page.on("pageerror", (error) => found.push(`${page.url()}: ${error}`));
  for (const path of checked) {
    await page.goto(site.url + path, { waitUntil: "networkidle" });
    for (const finding of await findings(page)) found.push(`${path}, ${name}: ${finding}`);
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) {
      found.push(`${path}, ${name}: the page scrolls sideways`);
    }
    if (process.env.SCREENSHOTS) {
      mkdirSync(process.env.SCREENSHOTS, { recursive: true });
      const file = `${path.replaceAll(/[/\\]/g, "-").replace(".html", "")}-${name}.png`;
      await page.screenshot({ path: join(process.env.SCREENSHOTS, file) });
    }
  }
}
await browser.close();
site.stop();
console.log(`${checked.length} pages checked at ${VIEWS.length} widths, ${found.length} findings`);
if (found.length > 0) {
  console.error(found.join("\n"));
  process.exitCode = 1;
}
