// Installs the packed package into the fixtures, runs each against a real server, and prints a line for each row.
// `cargo xtask fixtures` sets the environment: SEAMLINE_SERVER, SEAMLINE_TARBALL and CHROMIUM.
import { parseArgs } from "node:util";
import { Failure } from "./support/failure.mjs";
import { FAST } from "./support/fast.mjs";
import { allFixtures, select } from "./support/fixtures.mjs";
import { copySources, install } from "./support/install.mjs";
import { stopBrowser } from "./support/page.mjs";
import { show, write } from "./support/report.mjs";
import { runRow } from "./support/row.mjs";
import { machine, versionsOf } from "./support/versions.mjs";

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { list: { type: "boolean" }, write: { type: "boolean" }, fast: { type: "boolean" } },
});
const all = await allFixtures();
const chosen = select(all, options.fast ? FAST : names);

if (options.list) {
  for (const { id, rows } of chosen) for (const { name } of rows) console.log(`${id}/${name}`);
} else {
  await runAndReport();
}

async function runAndReport() {
  for (const name of ["SEAMLINE_SERVER", "SEAMLINE_TARBALL", "CHROMIUM"]) {
    if (!process.env[name]) throw new Error(`${name} is not set; run \`cargo xtask fixtures\``);
  }
  const results = new Map();
  try {
    // One after the other: they share the machine with the browser and the server.
    for (const fixture of chosen) await runFixture(fixture, results);
    if (options.write) write(all, results, await machine());
  } finally {
    await stopBrowser();
  }
  // Node 20 may spin for ever while it closes a connection that was aborted, if it ends by itself.
  process.exit(summary([...results.values()]));
}

/** Runs the rows of a fixture, and adds their results. */
async function runFixture(fixture, results) {
  const add = (row, result) => {
    results.set(`${fixture.id}/${row.name}`, { ...result, date: new Date().toISOString().slice(0, 10) });
    show(`${fixture.id}/${row.name}`, result);
  };
  const started = Date.now();
  const result = { versions: fixture.name, seconds: 0 };
  for (const row of fixture.rows.filter((row) => row.kind === "unsupported")) {
    add(row, { ...result, result: "not supported", reason: row.because });
  }
  const rows = fixture.rows.filter((row) => row.kind !== "unsupported");
  if (rows.length === 0) return;
  try {
    await runRows({ ...fixture, rows }, add);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    for (const row of rows) add(row, { ...result, result: "failed", reason: error.message, seconds: since(started) });
  }
}

/** Installs a fixture and runs its rows. Throws a {@link Failure} if it cannot be installed. */
async function runRows(fixture, add) {
  const installing = Date.now();
  const dir = await install(fixture);
  console.log(`${fixture.id}: installed in ${since(installing).toFixed(1)} s`);
  const versions = await versionsOf(fixture, dir);
  for (const row of fixture.rows) {
    const started = Date.now();
    copySources(fixture, dir);
    add(row, { ...(await runRow(row, dir)), versions, seconds: since(started) });
  }
}

function since(start) {
  return (Date.now() - start) / 1000;
}

/** Prints how many rows passed. Returns the exit code. */
function summary(results) {
  const count = (kind) => results.filter(({ result }) => result === kind).length;
  if (count("not supported") > 0) console.log(`${count("not supported")} not supported`);
  console.log(`\n${count("ok")} passed, ${count("failed")} failed`);
  return count("failed") > 0 || results.length === 0 ? 1 : 0;
}
