// The code blocks of a page.
import { readFileSync } from "node:fs";

const ROOT = new URL("../../", import.meta.url);

/** Each block's language, file name if it has one (```js [name.mjs]), line and code. */
export function blocks(page) {
  const text = readFileSync(new URL(page, ROOT), "utf8");
  return [...text.matchAll(/^```(\w+)(?: \[([^\]]+)\])?\n(.*?)^```$/gms)].map((match) => {
    const [, language, file, code] = match;
    return { page, language, file, line: text.slice(0, match.index).split("\n").length, code };
  });
}
