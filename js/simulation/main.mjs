// The simulation of pages: node simulation/main.mjs [--seeds N] [--seed S] [--world JSON] [--trace]
// `--sources DIR` runs the package from other sources, such as those with a planted bug.
import { parseArgs } from "node:util";
import { loadPackage } from "./package.mjs";
import { report, story } from "./report.mjs";
import { sweep } from "./sweep.mjs";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    seed: { type: "string", default: "0" },
    world: { type: "string" },
    trace: { type: "boolean", default: false },
    sources: { type: "string" },
    "no-shrink": { type: "boolean", default: false },
  },
});
const parts = await loadPackage(values.sources);
const faults = values.world === undefined ? undefined : JSON.parse(values.world);
const first = Number(values.seed);

if (values.trace) console.log(await story(parts, first, faults, Number.POSITIVE_INFINITY));
const { failed, summary } = await sweep(parts, first, Number(values.seeds), faults);
if (failed !== undefined) {
  console.log(await report(parts, failed, faults, !values["no-shrink"]));
  process.exitCode = 1;
} else console.log(summary);
