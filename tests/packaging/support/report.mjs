// The results: a line for each on the terminal, and the table of docs/COMPATIBILITY.md.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { GROUPS } from "./fixtures.mjs";

const PAGE = fileURLToPath(new URL("../../../docs/COMPATIBILITY.md", import.meta.url));
const BEGIN = "<!-- written by cargo xtask fixtures --write -->";
const END = "<!-- end -->";
const HEAD = "| tool | setup | result | date |\n|---|---|---|---|";

/** Prints a row. */
export function show(id, { versions, result, reason, seconds }) {
  console.log(`${result.padEnd(14)} ${id.padEnd(44)} ${seconds.toFixed(1).padStart(6)} s  ${versions}`);
  if (reason) console.log(reason.replaceAll(/^/gm, "    "));
}

/** Writes the rows that were run into the page. Those that were not keep what the page has. */
export function write(fixtures, results) {
  const page = readFileSync(PAGE, "utf8");
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no lines \`${BEGIN}\` and \`${END}\``);
  const old = page.slice(begin, end).split("\n");
  const sections = GROUPS.map((group) => {
    const lines = fixtures
      .filter((fixture) => fixture.group === group)
      .flatMap((fixture) => {
        return fixture.rows.flatMap((row) => {
          const mark = `<!-- ${fixture.id}/${row.name} -->`;
          const done = results.get(`${fixture.id}/${row.name}`);
          return done ? [line(row, done, mark)] : old.filter((text) => text.includes(mark));
        });
      });
    return lines.length > 0 ? `\n### ${group}\n\n${HEAD}\n${lines.join("\n")}\n` : "";
  });
  writeFileSync(PAGE, `${page.slice(0, begin)}${BEGIN}\n${sections.join("")}\n${page.slice(end)}`);
}

function line(row, { versions, result, reason, date }, mark) {
  const text = result === "not supported" ? `not supported: ${reason}` : result;
  return `| ${versions} ${mark} | ${row.name} | ${text} | ${date} |`;
}
