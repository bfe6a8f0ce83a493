// Writes docs/BENCHMARKS.md and its charts from what the parts have measured: `cargo xtask bench page`.
//
//   node bench/runner/report/page.mjs --dir target/bench --peers target/bench/peers --nats NATS
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { show } from "../support/results.mjs";
import { chart } from "./chart.mjs";
import { decided } from "./goals.mjs";
import { versions } from "./machine.mjs";
import { Samples } from "./samples.mjs";
import { SECTIONS } from "./sections.mjs";

const ROUNDS = `in each, ours and theirs alternate, and the order is reversed in every second one. A cell is the median, with
the minimum and the maximum. \`×\` is the ratio of the medians to the first row.`;

const path = { type: "string" };
const { values: options } = parseArgs({ options: { dir: path, peers: path, nats: path } });
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const docs = (name) => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));

const samples = Samples.read(
  `${options.dir}/results`,
  SECTIONS.map(({ part }) => part),
);
const measured = SECTIONS.filter(({ part }) => samples.about(part));
if (measured.length === 0) throw new Error("nothing was measured: run `cargo xtask bench all` first");

const about = measured.map(({ part }) => samples.about(part)).find(({ machine }) => machine) ?? {};
const page = readFileSync(here("page.md"), "utf8")
  .replace("{{date}}", about.at?.slice(0, 10))
  .replace("{{machine}}", about.machine)
  .replace("{{rounds}}", item(`${about.rounds} rounds${about.quick ? ", a quick run" : ""}: ${ROUNDS}`))
  .replace("{{load}}", show(about.load))
  .replace(
    "{{versions}}",
    wrapped(`Versions: ${[about.browser, `Node ${about.node}`, ...versions(options.peers, options.nats)].join(", ")}.`),
  )
  .replace("{{goals}}", goals())
  .replace("{{before}}", hasBefore() ? `\n${readFileSync(here("before.md"), "utf8").trim()}\n` : "")
  .replace("{{sections}}", measured.map(section).join("\n\n"))
  .replace("{{tried}}", readFileSync(here("tried.md"), "utf8").trim());
writeFileSync(docs("BENCHMARKS.md"), page);
console.log("docs/BENCHMARKS.md is written");

function hasBefore() {
  const names = measured.flatMap(({ part, measures }) =>
    measures.flatMap((m) => samples.distinct(part, m.measure, "of")),
  );
  return names.some((name) => name.startsWith("before"));
}

function goals() {
  const rows = decided(samples).map(
    ({ text, bound, value, isReached }) =>
      `| ${text} | ${bound} | ${show(value)} | ${isReached ? "reached" : "missed"} |`,
  );
  return ["| goal | limit | this run | |", "|---|---|---|---|", ...rows].join("\n");
}

function section({ part, title, text, measures }) {
  const shown = measures.filter(({ measure }) => samples.distinct(part, measure, "of").length > 0);
  return [`## ${title}`, wrapped(text), ...shown.map((measure) => table(part, measure))].join("\n\n");
}

/** A heading, perhaps a chart, and a row for each that was measured. Ratios are to Seamline's row, the first one. */
function table(part, { measure, title, better, chart: file }) {
  const [who, when] = ["of", "at"].map((key) => samples.distinct(part, measure, key));
  const cell = (of, at) => {
    const value = samples.get(part, measure, of, at);
    if (!value) return "–";
    const { median, min, max } = value;
    const ratio = median / samples.get(part, measure, who[0], at)?.median;
    const shownRatio = of !== who[0] && Number.isFinite(ratio) ? ` · ×${show(ratio)}` : "";
    return `${show(median)} (${show(min)} to ${show(max)})${shownRatio}`;
  };
  const rows = who.map((of) => `| ${of} | ${when.map((at) => cell(of, at)).join(" | ")} |`);
  const head = [
    `| ${better} is better | ${when.map((at) => at || "median (range)").join(" | ")} |`,
    `|---${"|---".repeat(when.length)}|`,
  ];
  const pictures = file ? [picture(file, part, measure, title, better, who, when)] : [];
  return [`### ${title}`, ...pictures, [...head, ...rows].join("\n")].join("\n\n");
}

function picture(file, part, measure, title, better, who, when) {
  const groups = when.map((name) => ({
    name,
    bars: who.flatMap((of) => {
      const value = samples.get(part, measure, of, name);
      return value ? [{ name: of, ...value }] : [];
    }),
  }));
  writeFileSync(docs(`images/${file}.svg`), chart(title, better, groups));
  return `![${title}](images/${file}.svg)`;
}

/** An item of a list. */
function item(text) {
  return `- ${wrapped(text, 118).replaceAll("\n", "\n  ")}`;
}

/** Lines of at most so many columns. */
function wrapped(text, columns = 120) {
  let line = "";
  const lines = [];
  for (const word of text.split(/\s+/)) {
    if (`${line} ${word}`.length > columns) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].join("\n");
}
