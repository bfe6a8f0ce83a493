//! Bugs in `seamline/effects`.

use super::super::mutant::{Mutant, mutant};

const COMMIT: &str = "js/src/effects/commit.ts";
const DECIDE: &str = "js/src/effects/decide.ts";
const POSITIONS: &str = "js/src/effects/positions.ts";
const START: &str = "js/src/effects/start.ts";

pub const MUTANTS: &[Mutant] = &[
    mutant(
        COMMIT,
        "the position is not stored",
        "await this.#adapter.write(tx, this.#key, _plan.position);",
        "",
    ),
    mutant(
        COMMIT,
        "a failed transaction is not repeated",
        "redeliver?.attempts ?? Number.POSITIVE_INFINITY",
        "redeliver?.attempts ?? 1",
    ),
    mutant(DECIDE, "the last message of the database is applied again", "return last + 1;", "return last;"),
    mutant(
        DECIDE,
        "a commit of unknown outcome is not noticed",
        "if (isSame(stored, known)) return 0;",
        "return 0;",
    ),
    mutant(
        POSITIONS,
        "positions are stored only at the end",
        "this.#timer ??= setTimeout(() => void this.#write(handle), WRITE_AFTER_MS);",
        "void handle;",
    ),
    mutant(
        POSITIONS,
        "what is stored is not the start point",
        "      this.#position ??= positionOf(value, handle._name);\n",
        "      positionOf(value, handle._name);\n",
    ),
    mutant(
        START,
        "the stored position is not the start point",
        "handle._from = await read();",
        "await read();",
    ),
];
