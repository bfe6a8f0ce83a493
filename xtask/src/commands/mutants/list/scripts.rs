//! Bugs in what every page of the npm package downloads.

use super::super::mutant::{Mutant, mutant};

const DISPATCHER: &str = "js/src/dispatcher.ts";
const LINEAGE: &str = "js/src/lineage.ts";
const PUBLICATIONS: &str = "js/src/publications.ts";
const SUBSCRIPTION: &str = "js/src/subscription.ts";

pub const MUTANTS: &[Mutant] = &[
    mutant(DISPATCHER, "a gap is not reported", "if (gap) this._lost(gap, position);", ""),
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
