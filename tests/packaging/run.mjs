// Installs the packed package into the fixtures, runs each against a real server, and prints a line for each row.
// `cargo xtask fixtures` sets the environment: SEAMLINE_SERVER, SEAMLINE_TARBALL and CHROMIUM.
import { parseArgs } from "node:util";
import { Failure } from "./support/failure.mjs";
import { FAST } from "./support/fast.mjs";
import { allFixtures, select } from "./support/fixtures.mjs";
import { copySources, install, installedVersion } from "./support/install.mjs";
import { browserVersion, stopBrowser } from "./support/page.mjs";
import { show, write } from "./support/report.mjs";
import { runRow } from "./support/row.mjs";

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
    const machine = `Chromium ${await browserVersion()} and Node ${process.versions.node}`;
    if (options.write) write(all, results, machine);
  } finally {
    await stopBrowser();
  }
  process.exitCode = summary([...results.values()]);
}

async function runFixture(fixture, results) {
  const add = (row, result) => {
    results.set(`${fixture.id}/${row.name}`, { ...result, date: new Date().toISOString().slice(0, 10) });
    show(`${fixture.id}/${row.name}`, result);
  };
  const installing = Date.now();
  const dir = await install(fixture).catch((error) => {
    if (!(error instanceof Failure)) throw error;
    for (const row of fixture.rows) {
      add(row, { versions: fixture.name, result: "failed", reason: error.message, seconds: since(installing) });
    }
  });
  if (!dir) return;
  console.log(`${fixture.id}: installed in ${since(installing).toFixed(1)} s`);
  const versions = await versionsOf(fixture, dir);
  for (const row of fixture.rows) {
    const started = Date.now();
    copySources(fixture, dir);
    const result = await runRow(row, dir);
    add(row, { ...result, versions, seconds: since(started) });
  }
}

/** What the table calls a fixture: its name, and the versions that were really installed. */
async function versionsOf({ name, tools = [] }, dir) {
  const versions = [];
  for (const tool of tools) versions.push(`${tool} ${await versionOf(tool, dir)}`);
  return versions.length > 0 ? versions.join(", ") : name;
}

async function versionOf(tool, dir) {
  const installed = installedVersion(dir, tool);
  if (installed) return installed;
  if (tool === "chromium") return browserVersion();
  if (tool === "node") return process.versions.node;
  throw new Error(`${dir}: npm has not installed ${tool}`);
}

function since(start) {
  return (Date.now() - start) / 1000;
}

/** Prints how many rows passed. Returns the exit code. */
function summary(results) {
  const count = (kind) => results.filter(({ result }) => result === kind).length;
  if (count("not supported") > 0) console.log(`${count("not supported")} not supported`);
  console.log(`\n${count("ok")} passed, ${count("failed")} failed`);
  return count("failed") > 0 || count("ok") === 0 ? 1 : 0;
}
