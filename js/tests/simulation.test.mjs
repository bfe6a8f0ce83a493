// The simulation of pages (simulation/): some seeds of it, and whether it would see a broken promise. `PAGES_SEEDS=2000`
// runs more of them, from `PAGES_SEED` on; `cargo xtask sim --pages` does that with more to see.
import assert from "node:assert/strict";
import { test } from "node:test";
import { describe } from "../simulation/faults.mjs";
import { Journal } from "../simulation/journal.mjs";
import { loadPackage } from "../simulation/package.mjs";
import { Reader } from "../simulation/reader.mjs";
import { report } from "../simulation/report.mjs";
import { Run } from "../simulation/run.mjs";
import { shrink } from "../simulation/shrink.mjs";
import { Stage } from "../simulation/stage.mjs";
import { sweep } from "../simulation/sweep.mjs";

const { PAGES_SEEDS = "40", PAGES_SEED = "0" } = process.env;
const parts = await loadPackage();

test("every promise is kept in simulated worlds", async () => {
  const { failed, summary } = await sweep(parts, Number(PAGES_SEED), Number(PAGES_SEEDS));
  assert.equal(failed, undefined, failed === undefined ? "" : await report(parts, failed, undefined, true));
  console.log(summary);
});

test("a seed is reproducible", async () => {
  const hash = async (seed) => (await new Run(parts, seed).play()).world.stage.trace.hash;
  for (let seed = 0; seed < 5; seed++) assert.equal(await hash(seed), await hash(seed), `seed ${seed}`);
  assert.notEqual(await hash(0), await hash(1), "the hash sees something");
});

/** A log with the messages `other.1` to `other.5`, and a reader that has had the first two. */
function scene() {
  const stage = new Stage(0, false);
  const log = {
    epoch: "e1",
    head: 0,
    messages: [],
    get first() {
      return this.head - this.messages.length + 1;
    },
    append(json) {
      this.head++;
      this.messages.push({ offset: this.head, id: `${this.head}-0`, json });
    },
    after: (offset) => log.messages.filter((message) => message.offset > offset),
  };
  const journal = new Journal(stage);
  journal.watch("a", log);
  for (let i = 1; i <= 5; i++) log.append(`"other.${i}"`);
  const reader = new Reader({ stage, journal, count: () => {}, drawn: {} }, "page", "a");
  const message = (offset, text = `other.${offset}`) => reader.message({ offset, id: `${offset}-0`, data: text });
  message(1);
  message(2);
  assert.equal(stage.broken, undefined);
  return { stage, log, journal, reader, message };
}

test("broken promises to a reader are detected", () => {
  const broken = (act) => {
    const there = scene();
    act(there);
    return there.stage.broken ?? "nothing";
  };
  assert.match(
    broken(({ message }) => message(2)),
    /other.2 twice/,
  );
  assert.match(
    broken(({ message }) => message(4)),
    /4 after e1\/2/,
  );
  assert.match(
    broken(({ message }) => message(3, "other.4")),
    /which is other.3/,
  );
  assert.match(
    broken(({ message }) => message(9)),
    /never had/,
  );
  const gap = (gap) => broken(({ reader }) => reader.gap(gap));
  assert.match(gap({ from: 3, to: 4, reason: "trimmed" }), /was not trimmed/);
  assert.match(gap({ from: 2, to: 2, reason: "rewound" }), /not rewound/);
  assert.match(gap({ from: 3, reason: "epoch_changed" }), /has not changed/);
  assert.match(gap({ from: 3, to: 3, reason: "hole" }), /skips nothing/);
  assert.match(
    broken(({ log }) => log.append('"other.5"')),
    /other.5 twice/,
  );
  assert.match(
    broken(({ log }) => (log.append('"p.2"'), log.append('"p.1"'))),
    /out of order/,
  );
});

test("a failing world is shrunk", async () => {
  // Take a gap for the failure.
  const faults = { tabs: 2, cut: 100, freeze: 100, leave: 100, trim: 300, faults_ms: 8_000 };
  const failure = ({ world }) => (world.counts.gaps > 0 ? "gap" : "");
  let seed = 0;
  while (failure(await new Run(parts, seed, faults).play()) === "") seed++;
  const small = await shrink(parts, seed, faults, failure);
  assert.equal(failure(await new Run(parts, small.seed, small.faults).play()), "gap", "the same again");
  assert.ok(Object.keys(JSON.parse(describe(small.faults))).length <= 3, describe(small.faults));
});
