//! Bugs in the outbox.

use super::super::mutant::{Mutant, mutant};

const OUTBOX: &str = "src/core/outbox/mod.rs";
const PUBLICATIONS: &str = "src/core/session/publications.rs";
const ANSWER_DEADLINE: &str = "src/core/session/answer_deadline.rs";
const TIMER: &str = "src/core/timer.rs";
const SUSPICION: &str = "src/core/outbox/suspicion.rs";

pub const MUTANTS: &[Mutant] = &[
    // Publications.
    mutant(
        OUTBOX,
        "what was under way is not sent again",
        "p.progress = Progress::Waiting;",
        "p.progress = Progress::Sent(close.now);",
    ),
    mutant(
        OUTBOX,
        "do not wait as long as the server asks",
        "matches!(p.progress, Progress::Paused(at) if at > now);",
        "matches!(p.progress, Progress::Paused(at) if at > now && at.0 == 0);",
    ),
    mutant(
        PUBLICATIONS,
        "forget to tell when a pause is over",
        "Some(at) => self.timers.set(Timer::Outbox, at),",
        "Some(at) if at <= self.now => self.timers.set(Timer::Outbox, at),\n            Some(_) => {}",
    ),
    mutant(
        OUTBOX,
        "later publications overtake one that waits",
        "earlier.ch == ch)",
        "earlier.ch == ch && ch.is_empty())",
    ),
    mutant(
        OUTBOX,
        "never send a suspect again",
        "Progress::Waiting if p.suspect => Some(self.suspicion.send_at(opened_at)),",
        "Progress::Waiting if p.suspect => None,",
    ),
    mutant(SUSPICION, "blame the first in flight at once", "if strikes < STRIKES_MAX {", "if strikes < 1 {"),
    mutant(SUSPICION, "never give a publication up", "if strikes < STRIKES_MAX {", "if strikes < u32::MAX {"),
    mutant(
        SUSPICION,
        "a network that breaks is proof",
        "Some(_) => Blame::Possible,",
        "Some(_) => Blame::Certain,",
    ),
    mutant(
        SUSPICION,
        "blame one of several in flight",
        "Blame::TooBig if count == 1 =>",
        "Blame::TooBig if count == 1 || isolating || first > 0 =>",
    ),
    mutant(
        ANSWER_DEADLINE,
        "blame a publication for a close in a busy time",
        "Timer::Connect | Timer::Outbox => late_ms > 0,",
        "Timer::Connect => late_ms > 0,",
    ),
    mutant(
        PUBLICATIONS,
        "send a suspect before its late timer fires",
        "if self.outbox.is_isolating() && self.timers",
        "if self.outbox.is_isolating() && false && self.timers",
    ),
    mutant(
        TIMER,
        "postpone only one of two late timers",
        "reason && self.postponed & bit(timer) == 0",
        "reason && self.postponed == 0",
    ),
    mutant(
        TIMER,
        "send a suspect although its late timer was postponed",
        "self.postponed & bit(timer) != 0 || ",
        "",
    ),
];
