// The fixtures: each folder beside this one that has a `fixture.mjs`.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL("..", import.meta.url));

/** The sections of the table, in order. */
export const GROUPS = ["Bundlers", "Without a bundler", "Frameworks", "Runtimes", "Test runners", "TypeScript"];

/**
 * All fixtures, in the order of the table. One that lists versions is one for each: `vite@8.0.0`. The fields:
 *
 * - `group`: the section of the table;
 * - `name`: what the table calls it;
 * - `tools`: the npm packages whose installed versions the table shows. `chromium` and, if npm has installed no other, `node`
 *   are those of this machine;
 * - `versions`: `{ package, list }`, the dependency, or several, installed in each of these versions;
 * - `rows`: what is run. Each has a `name`, a `kind` and `env`, more variables of the environment:
 *   - `page`: what Chromium shows at `path`, from the command `serve` (`{port}` is its port) or from `files`: the folder
 *     `dir`, and the settings of `Files`. Each message is an `<li>`;
 *   - `process`: what the command `run` prints, `message: TEXT` for each, from the server at `SEAMLINE_URL` or `{server}`. It
 *     ends by itself after the fourth;
 *   - `response`: the same lines, in the response of the server `serve` at `path`;
 *   - `compile`: the command `run` succeeds;
 *   - `unsupported`: nothing is run, and the table shows the sentence in `because`;
 *
 *   A page's `toolErrors` are patterns of errors that the tool causes in any project, with or without this package.
 *   `build` is a command that is run first. `clean` are files in `node_modules` that are removed before that: everything
 *   else is as it was before each row. `times` is how often the row is run without a build or cleaning between.
 */
export async function allFixtures() {
  const found = [];
  for (const name of readdirSync(HERE).sort()) {
    const dir = join(HERE, name);
    if (!existsSync(join(dir, "fixture.mjs"))) continue;
    const { default: fixture } = await import(join(dir, "fixture.mjs"));
    if (!GROUPS.includes(fixture.group)) throw new Error(`${name}: no group is called ${fixture.group}`);
    for (const version of fixture.versions?.list ?? [undefined]) {
      found.push({ ...fixture, dir, version, id: version ? `${name}@${version}` : name });
    }
  }
  return found.sort((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group));
}

/**
 * The fixtures and rows with these names: `vite`, `vite@8` (with any minor version), or `vite@8/build`, a row. All, if
 * there are no names.
 */
export function select(fixtures, names) {
  for (const name of names) {
    if (fixtures.some((fixture) => fixture.rows.some((row) => matches(name, fixture, row)))) continue;
    throw new Error(`no fixture or row is called ${name}; --list prints their names`);
  }
  const wanted = (fixture) => (row) => names.length === 0 || names.some((name) => matches(name, fixture, row));
  const chosen = fixtures.map((fixture) => ({ ...fixture, rows: fixture.rows.filter(wanted(fixture)) }));
  return chosen.filter(({ rows }) => rows.length > 0);
}

function matches(name, { id }, row) {
  // A package's name may have a slash; a fixture's has none.
  const [fixture, ...rest] = name.split("/");
  const isRow = rest.length === 0 || rest.join("/") === row.name;
  return isRow && (id === fixture || id.startsWith(`${fixture}@`) || id.startsWith(`${fixture}.`));
}
