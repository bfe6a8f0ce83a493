// What a part has measured: a list of samples, printed as tables and kept as JSON.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A number with a width that people read at a glance. */
export function show(value) {
  if (!Number.isFinite(value)) return "–";
  const digits = Math.abs(value) >= 100 || value === 0 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export class Results {
  #part;
  #about;
  #samples = [];

  constructor(part, about) {
    this.#part = part;
    this.#about = about;
  }

  /** Adds a value of a measure, such as "replay, messages/s", for who was measured, under a condition. */
  add(measure, of, at, value) {
    this.#samples.push({ measure, of, at, value });
    console.log(`  ${of.padEnd(24)} ${at.padEnd(14)} ${measure.padEnd(44)} ${show(value).padStart(10)}`);
  }

  /** For each measure a table: a row for who was measured, a column for each condition, and ratios to the first row. */
  print() {
    for (const measure of distinct(this.#samples, "measure")) {
      const samples = this.#samples.filter((sample) => sample.measure === measure);
      const conditions = distinct(samples, "at");
      console.log(`\n${measure}: median (minimum to maximum), ratio to the first row`);
      console.log(["".padEnd(24), ...conditions.map((at) => at.padEnd(38))].join(" "));
      const first = distinct(samples, "of")[0];
      for (const of of distinct(samples, "of")) {
        const cells = conditions.map((at) => cell(samples, of, at, first).padEnd(38));
        console.log([of.padEnd(24), ...cells].join(" "));
      }
    }
  }

  save(dir) {
    mkdirSync(dir, { recursive: true });
    const text = JSON.stringify({ part: this.#part, ...this.#about, samples: this.#samples }, null, 1);
    writeFileSync(join(dir, `${this.#part}.json`), `${text}\n`);
  }
}

const distinct = (samples, key) => [...new Set(samples.map((sample) => sample[key]))];
const values = (samples, of, at) => samples.filter((s) => s.of === of && s.at === at).map(({ value }) => value);

function cell(samples, of, at, first) {
  const own = values(samples, of, at);
  if (own.length === 0) return "";
  const ratio = median(own) / median(values(samples, first, at));
  const shown = of !== first && Number.isFinite(ratio) ? ` ×${ratio.toFixed(2)}` : "";
  return `${show(median(own))} (${show(Math.min(...own))} to ${show(Math.max(...own))})${shown}`;
}
