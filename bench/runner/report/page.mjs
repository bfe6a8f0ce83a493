// Writes docs/BENCHMARKS.md and its charts from what the parts have measured: `cargo xtask bench page`.
//
//   node bench/runner/report/page.mjs --dir target/bench --peers target/bench/peers --nats NATS
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { show } from "../support/results.mjs";
import { decided, upperBound } from "./goals.mjs";
import { versions } from "./machine.mjs";
import { Samples } from "./samples.mjs";
import { SECTIONS } from "./sections.mjs";
import { section } from "./tables.mjs";
import { item, wrapped } from "./wrap.mjs";

const ROUNDS = `in each, ours and theirs alternate, and the order is reversed in every second one. A cell is the median, with
the minimum and the maximum. Where a round takes minutes, there are two or three. \`×\` is the ratio of the medians to the first row.`;

const GIVEN = "The server and the package were builds that the command was given.";

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

const sections = measured.map((part) => section(samples, part));
const abouts = measured.map(({ part }) => samples.about(part)).filter(({ machine }) => machine);
const about = abouts.find(({ browser }) => browser) ?? abouts[0] ?? {};
const page = readFileSync(here("page.md"), "utf8")
  .replace("{{date}}", about.at?.slice(0, 10))
  .replace("{{machine}}", about.machine)
  .replace("{{rounds}}", item(`${about.rounds} rounds${about.quick ? ", a quick run" : ""}: ${ROUNDS}`))
  .replace("{{built}}", about.built ? `The server and the package are those of commit ${about.built}.` : GIVEN)
  .replace("{{load}}", show(about.load))
  .replace(
    "{{versions}}",
    wrapped(
      `Versions: ${[about.browser, `Node ${about.node}`, ...versions(options.peers, options.nats)].filter(Boolean).join(", ")}.`,
    ),
  )
  .replace("{{goals}}", goals())
  .replace("{{bound}}", bound())
  .replace("{{before}}", hasBefore() ? `\n${readFileSync(here("before.md"), "utf8").trim()}\n` : "")
  .replace("{{sections}}", sections.map(({ text }) => text).join("\n\n"))
  .replace("{{tried}}", readFileSync(here("tried.md"), "utf8").trim());
writeFileSync(docs("BENCHMARKS.md"), page);
for (const [file, svg] of sections.flatMap(({ charts }) => charts)) writeFileSync(docs(file), svg);
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

function bound() {
  const ratios = upperBound(samples).map(({ name, ratio }) => `${show(ratio)} × ${name}`);
  if (ratios.length === 0) return "";
  const text = `Raw frames of 364 are the upper bound of a replay. In this run, they were ${ratios.join(" and ")} themselves.`;
  return `\n${wrapped(text)}\n`;
}
