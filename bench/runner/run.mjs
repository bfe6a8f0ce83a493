// Measures one part in headless Chromium or on the server: `cargo xtask bench` calls this with what it has built and installed.
import { parseArgs } from "node:util";
import { Bench } from "./support/bench.mjs";

const PARTS = ["client", "recovery", "cold", "latency", "publish", "server", "redis"];

const path = { type: "string" };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    rtt: { type: "string" },
    measure: { type: "string" },
    dir: path,
    peers: path,
    link: path,
    built: { type: "string" },
    server: path,
    package: path,
    "before-server": path,
    "before-package": path,
    nats: path,
  },
});
const [part] = positionals;
if (!PARTS.includes(part)) throw new Error(`part ${part} is none of: ${PARTS.join(", ")}`);

const options = { ...values, rounds: Number(values.rounds) };
const rtt = values.rtt?.split(",").map(Number);
const { run } = await import(`./parts/${part}.mjs`);
const bench = await Bench.start(part, options);
try {
  await run(bench, { rtt, measure: values.measure?.split(",") });
} finally {
  // What was measured before a failure counts, too.
  bench.results.print();
  bench.results.save(`${options.dir}/results`);
  await bench.stop();
}
