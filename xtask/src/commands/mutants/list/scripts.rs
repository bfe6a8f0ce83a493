//! Bugs in what every page of the npm package downloads.

use super::super::mutant::{Mutant, mutant};

const HISTORY: &str = "js/src/history/index.ts";
const HISTORY_READER: &str = "js/src/history/reader.ts";
const START_POINT: &str = "js/src/start-point.ts";
const DISPATCHER: &str = "js/src/dispatcher.ts";
const LINEAGE: &str = "js/src/lineage.ts";
const PUBLICATIONS: &str = "js/src/publications.ts";
const SUBSCRIPTION: &str = "js/src/subscription.ts";

pub const MUTANTS: &[Mutant] = &[
    mutant(DISPATCHER, "a gap is not reported", "if (gap) this._lost(gap, position);", ""),
    mutant(
        DISPATCHER,
        "a batch repeats its first message",
        "items.push({ _run: run, _message: messageAt(run, i) });",
        "items.push({ _run: run, _message: messageAt(run, run._next) });",
    ),
    mutant(
        START_POINT,
        "a late handle gets nothing from before the others",
        "if (from.offset < _position.offset) return { _again: from };",
        "if (from.offset < _position.offset) return \"here\";",
    ),
    mutant(
        HISTORY,
        "a history has one message too many",
        "limit - messages.length, signal",
        "limit - messages.length + 1, signal",
    ),
    mutant(
        HISTORY_READER,
        "a request is not sent again on the next connection",
        "if (name === \"open\") this.#send(request);",
        "",
    ),
    mutant(LINEAGE, "a page forgets the loads before it", "[...new Set([own, ...past])]", "[own]"),
    mutant(
        PUBLICATIONS,
        "an answer is dropped",
        "if (promised) this.#settle(promised, answer);",
        "if (promised && id % 20) this.#settle(promised, answer);",
    ),
    mutant(
        SUBSCRIPTION,
        "what was processed is not reported after a while",
        "      this.#soon = true;\n      queueMicrotask(() => {",
        "      this.#soon = true;\n      void (() => {",
    ),
];
