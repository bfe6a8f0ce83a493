//! Bugs in `seamline/tabs`.

use super::super::mutant::{Mutant, mutant};

const FEED: &str = "js/src/tabs/feed.ts";
const HUB_WATCH: &str = "js/src/tabs/hub-watch.ts";
const MEMBER: &str = "js/src/tabs/member.ts";
const PINGS: &str = "js/src/tabs/pings.ts";
const PUBLICATIONS: &str = "js/src/tabs/publications.ts";

pub const MUTANTS: &[Mutant] = &[
    mutant(
        FEED,
        "a tab joins a replay as if it were live",
        "if (wire.name !== \"streaming\" || !wire.isLive) return undefined;",
        "if (wire.name !== \"streaming\") return undefined;",
    ),
    mutant(MEMBER, "sockets of the old hub stay", "const lost = this.#lose(before);", "const lost = false;"),
    mutant(
        HUB_WATCH,
        "a frozen hub is never replaced",
        "if (this.#silence.name === \"pinged\") return this.#claim();",
        "if (this.#silence.name === \"pinged\") return;",
    ),
    mutant(MEMBER, "a hub that is replaced keeps its connection", "    leading.hub.end();\n", ""),
    mutant(
        PINGS,
        "no tab gets the answer to a ping",
        "    for (const socket of waiting) this.deliver(socket, write(\"pong\"));\n",
        "",
    ),
    mutant(
        PUBLICATIONS,
        "a tab that is gone holds up a channel",
        "if (left.some(({ isPostponed }) => isPostponed)) this.abandoned();",
        "",
    ),
];
