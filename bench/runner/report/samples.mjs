// The samples of all parts, and what is computed from them.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { median } from "../support/results.mjs";

export class Samples {
  #parts = new Map();

  /** Reads what the parts have written. */
  static read(dir, parts) {
    const samples = new Samples();
    for (const part of parts) {
      const file = join(dir, `${part}.json`);
      if (existsSync(file)) samples.#parts.set(part, JSON.parse(readFileSync(file, "utf8")));
    }
    return samples;
  }

  /** What a part has noted beside its samples: when and on what it ran. */
  about(part) {
    return this.#parts.get(part);
  }

  /** The distinct values of `of` or `at`, in the order in which they were measured first. */
  distinct(part, measure, key) {
    return [...new Set(this.#of(part, measure).map((sample) => sample[key]))];
  }

  /** The median, minimum and maximum; undefined if nothing was measured. */
  get(part, measure, of, at) {
    const values = this.#of(part, measure)
      .filter((sample) => sample.of === of && sample.at === at)
      .map(({ value }) => value);
    if (values.length === 0) return undefined;
    return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
  }

  #of(part, measure) {
    return this.#parts.get(part)?.samples.filter((sample) => sample.measure === measure) ?? [];
  }
}
