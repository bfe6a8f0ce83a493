//! Bugs in `seamline/tabs`.

use super::super::mutant::{Mutant, mutant};

const FEED: &str = "js/src/tabs/feed.ts";
const MEMBER: &str = "js/src/tabs/member.ts";
const PUBLICATIONS: &str = "js/src/tabs/publications.ts";

pub const MUTANTS: &[Mutant] = &[
    mutant(
        FEED,
        "a tab joins a stream that is still replayed",
        "if (wire.name !== \"streaming\" || !wire.isLive) return undefined;",
        "if (wire.name !== \"streaming\") return undefined;",
    ),
    mutant(
        FEED,
        "the credit of a tab that joins does not reach the server",
        "    follower.isJoined = true;\n    this.#grant(follower);",
        "    follower.isJoined = true;",
    ),
    mutant(
        FEED,
        "a position of another epoch counts",
        "Math.max(begin, Math.min(place.offset, count(head))) : begin",
        "Math.max(begin, Math.min(place.offset, count(head))) : place.offset",
    ),
    mutant(
        FEED,
        "the stream begins at the tab that is furthest ahead",
        "offset: Math.min(first.offset, ...offsets)",
        "offset: Math.max(first.offset, ...offsets)",
    ),
    mutant(MEMBER, "sockets of the old hub stay", "const lost = this.#lose(before);", "const lost = false;"),
    mutant(
        MEMBER,
        "a frozen hub is never replaced",
        "if (this.#doubt.name === \"pinged\") return this.#claim();",
        "if (this.#doubt.name === \"pinged\") return;",
    ),
    mutant(MEMBER, "a hub that is replaced keeps its connection", "    leading.hub.end();\n", ""),
    mutant(PUBLICATIONS, "a tab that is gone holds up a channel", "return isAwaited;", "return false;"),
];
