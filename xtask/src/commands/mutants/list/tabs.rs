//! Bugs in `seamline/tabs`.

use super::super::mutant::{Mutant, mutant};

const FEED: &str = "js/src/tabs/feed.ts";
const HUB: &str = "js/src/tabs/hub.ts";
const MEMBER: &str = "js/src/tabs/member.ts";
const PUBLICATIONS: &str = "js/src/tabs/publications.ts";

pub const MUTANTS: &[Mutant] = &[
    mutant(
        FEED,
        "what a replaced log sends is forwarded before its subd",
        "if (this.#wire.name === \"requested\" && this.#wire.isReplaced) return;",
        "",
    ),
    mutant(MEMBER, "sockets of the old hub stay", "const lost = this.#lose(before);", "const lost = false;"),
    mutant(
        MEMBER,
        "a frozen hub is never replaced",
        "if (this.#doubt.name === \"pinged\") return this.#claim();",
        "if (this.#doubt.name === \"pinged\") return;",
    ),
    mutant(MEMBER, "a hub that is replaced keeps its connection", "    leading.hub.end();\n", ""),
    mutant(HUB, "no tab gets the answer to a ping", "      this.#deliver(socket, write(\"pong\"));\n", ""),
    mutant(
        PUBLICATIONS,
        "a tab that is gone holds up a channel",
        "if (left.some(({ isPostponed }) => isPostponed)) this.abandoned();",
        "",
    ),
];
