// The decision of `seamline/effects` (src/effects/decide.ts): which messages the database has already. By hand, and with
// pages that crash between any two steps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./support/source.mjs";

const { decide, Ledger } = await source("effects/decide", "effects/ledger");

/** `e/5`, or `e/5/x` with an id; or nothing. */
function at(text) {
  if (!text) return undefined;
  const [epoch, offset, id = `${epoch}${offset}`] = text.split("/");
  return { epoch, offset: Number(offset), id };
}
const steps = (epoch, from, to = from) =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ offset: from + i, id: `${epoch}${from + i}` }));

const CASES = [
  // what it shows, stored, known, before, messages, verdict
  ["nothing is stored", "", "", "e/0", steps("e", 1, 3), 0],
  ["the next messages", "e/5", "e/5", "e/5", steps("e", 6, 8), 0],
  ["after a gap", "e/5", "e/5", "e/19", steps("e", 20), 0],
  ["after the log was replaced", "e/5", "e/5", "f/0", steps("f", 1), 0],
  ["after the log was rewound", "e/5", "e/5", "e/2", steps("x", 3), 0],
  ["a commit that was reported as failed", "e/6", "e/5", "e/5", steps("e", 6), 1],
  ["another page is ahead", "e/9", "e/5", "e/5", steps("e", 6), 1],
  ["another page is in the middle of a batch", "e/7", "e/5", "e/5", steps("e", 6, 9), 2],
  ["another page has begun", "e/2", "", "e/0", steps("e", 1, 3), 2],
  ["another page has had a message just before", "e/6", "e/5", "e/6", steps("e", 7), 0],
  ["another page is behind a gap", "e/12", "e/5", "e/19", steps("e", 20), "moved"],
  ["another page began earlier", "e/51", "", "e/100", steps("e", 101), "moved"],
  ["someone removed the position", "", "e/5", "e/5", steps("e", 6), "moved"],
  ["the log was replaced, and another page knows it", "f/3", "e/5", "e/5", steps("e", 6, 7), 2],
  ["both know it, and the other is ahead", "f/3", "e/5", "f/0", steps("f", 1, 4), 3],
  ["the other has stored more of the old log", "e/7", "e/5", "f/0", steps("f", 1), "moved"],
  ["the log was rewound, and another page knows it", "e/3/x3", "e/5", "e/5", steps("e", 6), 1],
  ["both know it, and the other has this message", "e/3/x3", "e/5", "e/2", steps("x", 3), 1],
  ["both know it, and the other may be in the old log", "e/7", "e/5", "e/2", steps("x", 3), "moved"],
  ["the same offset with another id", "e/7/x7", "e/5", "e/5", steps("e", 6, 8), "moved"],
  ["the message before had another id", "e/6/x6", "e/5", "e/6", steps("e", 7), "moved"],
];

for (const [what, stored, known, before, messages, verdict] of CASES) {
  test(`decide: ${what}`, () => {
    assert.deepEqual(decide(at(stored), at(known), at(before), messages), verdict);
  });
}

/** Numbers that are the same each time (mulberry32). */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/**
 * Pages that follow one log into one database, until it has all messages. A page may crash before, between and after
 * the steps of a transaction, and a commit may be reported as failed. The database runs one transaction at a time.
 */
function run(seed, { plan = (ledger, ...args) => ledger.plan(...args) } = {}) {
  const draw = random(seed);
  const length = 20 + draw(20);
  const database = { rows: [], stored: undefined };
  const open = () => {
    const ledger = new Ledger();
    ledger.begin(database.stored);
    return { ledger, position: database.stored ?? { epoch: "e", offset: 0 } };
  };
  const pages = Array.from({ length: 1 + draw(3) }, open);
  for (let turn = 0; database.rows.length < length && turn < 10_000; turn++) {
    const i = draw(pages.length);
    const page = pages[i];
    const from = page.position.offset + 1;
    const messages = steps("e", from, Math.min(from + draw(4), length)).filter(({ offset }) => offset <= length);
    if (messages.length === 0) continue;
    const stored = database.stored;
    const does = plan(page.ledger, stored, page.position, messages, undefined);
    assert.notEqual(does, "moved");
    const fate = draw(10);
    if (fate === 0) pages[i] = open(); // a crash before the commit: nothing is stored
    if (fate <= 1) continue; // an abort
    if (does.skip < messages.length) {
      database.rows.push(...messages.slice(does.skip).map(({ offset }) => offset));
      database.stored = does.position;
    }
    if (fate === 2) pages[i] = open(); // a crash after the commit
    if (fate <= 3) continue; // the commit was reported as failed: the message is dispatched again
    page.ledger.committed(does, stored, messages.length);
    page.position = { epoch: "e", offset: messages.at(-1).offset, id: messages.at(-1).id };
  }
  return { rows: database.rows, log: Array.from({ length }, (_, i) => i + 1) };
}

test("crashes at any step leave the log in the database", () => {
  for (let seed = 0; seed < 3000; seed++) {
    const { rows, log } = run(seed);
    assert.deepEqual(rows, log, `seed ${seed}`);
  }
});

test("without the stored position, rows are repeated", () => {
  const naive = (_ledger, _stored, _before, messages) => {
    const { offset, id } = messages.at(-1);
    return { skip: 0, position: { epoch: "e", offset, id } };
  };
  const isWrong = (seed) => {
    const { rows, log } = run(seed, { plan: naive });
    return JSON.stringify(rows) !== JSON.stringify(log);
  };
  const wrong = Array.from({ length: 200 }, (_, seed) => seed).filter(isWrong);
  assert.ok(wrong.length > 100, `only ${wrong.length} of 200`);
});
