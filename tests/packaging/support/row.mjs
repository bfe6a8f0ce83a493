// Runs one row of a fixture.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Child } from "./children.mjs";
import { Failure } from "./failure.mjs";

const BUILD_MS = 300_000;

/** @returns {Promise<{result: "ok" | "failed", reason?: string}>} */
export async function runRow(row, dir) {
  for (const name of row.clean ?? []) rmSync(join(dir, name), { recursive: true, force: true });
  try {
    if (row.build) await build(row, dir);
    for (let times = row.times ?? 1; times > 0; times--) await runOnce(row, dir);
    return { result: "ok" };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { result: "failed", reason: error.message };
  }
}

async function build(row, dir) {
  const child = new Child(row.build, dir, row.env);
  await child.succeeds(BUILD_MS);
  // Tools name the file that they warn about.
  const warns = /warn|\(!\)/i.test(child.output) && child.output.includes("node_modules/seamline/");
  if (warns) throw child.failure("warns");
}

async function runOnce(row, dir) {
  if (row.kind === "compile") return new Child(row.run, dir, row.env).succeeds(BUILD_MS);
  // Each of these needs a server.
  const [{ play }, { openPage }, { openProcess, openResponse }] = await Promise.all([
    import("./scenario.mjs"),
    import("./page.mjs"),
    import("./process.mjs"),
  ]);
  const open = { page: openPage, process: openProcess, response: openResponse }[row.kind];
  if (!open) throw new Error(`row ${row.name}: no kind is called ${row.kind}`);
  return play((serverUrl, connections) => open(row, dir, serverUrl, connections));
}
