// A part of the page: a table for each measure, and a chart for some.
import { show } from "../support/results.mjs";
import { chart } from "./chart.mjs";
import { wrapped } from "./wrap.mjs";

/** A longer title of a measure needs no title of its part before it. */
const CLEAR = 40;

/** Returns the text, and the charts as `[file, svg]`. */
export function section(samples, { part, title, text, measures }) {
  const tables = measures.map((measure) => new Table(samples, part, measure)).filter(({ who }) => who.length > 0);
  const charts = tables.filter(({ file }) => file).map((table) => [table.file, table.chart(title)]);
  return { text: [`## ${title}`, wrapped(text), ...tables.map(String)].join("\n\n"), charts };
}

/** A row for each that was measured, a column for each condition. Ratios are to Seamline's row, the first one. */
class Table {
  #samples;
  #part;
  #measure;

  constructor(samples, part, measure) {
    this.#samples = samples;
    this.#part = part;
    this.#measure = measure;
    this.who = samples.distinct(part, measure.measure, "of");
    this.when = samples.distinct(part, measure.measure, "at");
  }

  /** The chart's file, if there is one. */
  get file() {
    return this.#measure.chart && `images/${this.#measure.chart}.svg`;
  }

  toString() {
    const { title, better } = this.#measure;
    const rows = [
      [`${better} is better`, ...this.when.map((at) => at || "median (range)")],
      ["---", ...this.when.map(() => "---")],
      ...this.who.map((of) => [of, ...this.when.map((at) => this.#cell(of, at))]),
    ];
    const table = rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
    return [`### ${title}`, ...(this.file ? [`![${title}](${this.file})`] : []), table].join("\n\n");
  }

  #cell(of, at) {
    const value = this.#get(of, at);
    if (!value) return "–";
    const { median, min, max } = value;
    const ratio = median / this.#get(this.who[0], at)?.median;
    const shownRatio = of !== this.who[0] && Number.isFinite(ratio) ? ` · ×${show(ratio)}` : "";
    return `${show(median)} (${show(min)} to ${show(max)})${shownRatio}`;
  }

  chart(about) {
    const { title, better, hasOwnScales } = this.#measure;
    const bars = (at) =>
      this.who.flatMap((of) => {
        const value = this.#get(of, at);
        return value ? [{ name: of, ...value }] : [];
      });
    const groups = this.when.map((name) => ({ name, bars: bars(name) }));
    const isClear = title.length > CLEAR;
    const whole = isClear ? title : `${about}: ${title[0].toLowerCase()}${title.slice(1)}`;
    return chart(whole, better, groups, hasOwnScales);
  }

  #get(of, at) {
    return this.#samples.get(this.#part, this.#measure.measure, of, at);
  }
}
