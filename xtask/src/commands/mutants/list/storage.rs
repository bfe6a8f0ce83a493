//! Bugs in `seamline/storage`.

use super::super::mutant::{Mutant, mutant};

const LEFT: &str = "js/src/storage/left.ts";
const MACHINE: &str = "js/src/storage/machine.ts";
const OWNERS: &str = "js/src/storage/owners.ts";
const WRITES: &str = "js/src/storage/writes.ts";

pub const MUTANTS: &[Mutant] = &[
    mutant(
        MACHINE,
        "a publication is sent before it is stored",
        "{ name: this._isDurable ? \"writing\" : \"waiting\" }",
        "{ name: \"waiting\" }",
    ),
    mutant(
        MACHINE,
        "an answered publication stays",
        "    this.#fullUntil = 0;\n    this.#remove(entry);",
        "    this.#fullUntil = 0;",
    ),
    mutant(
        MACHINE,
        "what pages that are gone have left is not claimed",
        "for (const owner of others) this.#commands.push({ do: \"claim\", owner });",
        "",
    ),
    mutant(
        MACHINE,
        "records are numbered from the start after a reload",
        "      this._entries._skip(sequenceOf(key));\n",
        "",
    ),
    mutant(
        LEFT,
        "what a tab has left is not taken over at once",
        "stored.tab === _tab || stored.owner === _owner",
        "stored.owner === _owner",
    ),
    mutant(
        MACHINE,
        "what is taken over belongs to another tab from then on",
        "this._entries._insert(place, { ...stored, owner: _owner });",
        "this._entries._insert(place, { ...stored, owner: _owner, tab: this.#setup._tab });",
    ),
    mutant(OWNERS, "a free lock takes nothing over", "if (lock) return adopt();", "if (lock) return;"),
    mutant(
        WRITES,
        "records are never removed",
        "if (this.#stored.has(place) || this.#inFlight?.has(place)) this.#pending.set(place, undefined);",
        "",
    ),
];
