//! Bugs in `seamline/state`.

use super::super::mutant::{Mutant, mutant};

const DECIDE: &str = "js/src/state/decide.ts";
const FOLLOWER: &str = "js/src/state/follower.ts";

pub const MUTANTS: &[Mutant] = &[
    mutant(
        FOLLOWER,
        "messages from before the state are kept",
        "    dispatcher._restart(from);\n",
        "    dispatcher._from = from;\n",
    ),
    mutant(
        FOLLOWER,
        "the stream continues where it was lost",
        "    dispatcher._restart(from);\n",
        "    dispatcher._restart(dispatcher._position ?? from);\n",
    ),
    mutant(
        FOLLOWER,
        "the old stream goes on after a new state",
        "    dispatcher._subscription?._leave(dispatcher);\n",
        "",
    ),
    mutant(FOLLOWER, "the cause of a fetch is forgotten", "this.#wait(reason);", "this.#wait(\"start\");"),
    mutant(
        DECIDE,
        "a fetch that fails is not repeated",
        "if (phase.name !== \"fetching\" && phase.name !== \"following\") return [phase, []];",
        "if (phase.name !== \"following\") return [phase, []];",
    ),
];
