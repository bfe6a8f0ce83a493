// The results: a line for each row on the terminal, and the tables of docs/COMPATIBILITY.md.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { GROUPS } from "./fixtures.mjs";

const PAGE = fileURLToPath(new URL("../../../docs/COMPATIBILITY.md", import.meta.url));
const BEGIN = "<!-- written by cargo xtask fixtures --write -->";
const END = "<!-- end -->";
/** What the page was made of: a run of some rows replaces only theirs. */
const RESULTS = fileURLToPath(new URL("../results.json", import.meta.url));

/** Prints a row. */
export function show(id, { versions, result, reason, seconds }) {
  console.log(`${result.padEnd(14)} ${id.padEnd(44)} ${seconds.toFixed(1).padStart(6)} s  ${versions}`);
  if (reason) console.log(reason.replaceAll(/^/gm, "    "));
}

/**
 * Writes the results into the page, with those of earlier runs for the rows that were not run.
 *
 * @param machine the versions of what all rows run on
 */
export function write(fixtures, results, machine) {
  const known = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, "utf8")) : {};
  const all = {};
  for (const { id, rows } of fixtures) {
    for (const { name } of rows) {
      const key = `${id}/${name}`;
      const { seconds, ...result } = results.get(key) ?? known[key] ?? {};
      if (result.result) all[key] = result;
    }
  }
  writeFileSync(RESULTS, `${JSON.stringify(all, null, 2)}\n`);

  const page = readFileSync(PAGE, "utf8");
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no lines \`${BEGIN}\` and \`${END}\``);
  const tables = GROUPS.map((group) => table(group, fixtures, all)).join("");
  const written = `${BEGIN}\n\nOn ${machine}, where the table names no other version.\n${tables}\n`;
  writeFileSync(PAGE, page.slice(0, begin) + written + page.slice(end));
}

/** The table of a group: one line for all rows of a fixture that have the same result. */
function table(group, fixtures, results) {
  const lines = new Map();
  for (const { id, rows } of fixtures.filter((fixture) => fixture.group === group)) {
    for (const { name } of rows) {
      const { versions, result, reason, date } = results[`${id}/${name}`] ?? {};
      if (!result) continue;
      const text = result === "not supported" ? `not supported: ${reason}` : result;
      const key = [id, versions, text, date].join();
      const { names = [] } = lines.get(key) ?? {};
      lines.set(key, { versions, names: [...names, name], text, date });
    }
  }
  if (lines.size === 0) return "";
  const body = [...lines.values()].map(
    ({ versions, names, text, date }) => `| ${versions} | ${names.join("; ")} | ${text} | ${date} |\n`,
  );
  return `\n### ${group}\n\n| tool | setup | result | date |\n|---|---|---|---|\n${body.join("")}`;
}
