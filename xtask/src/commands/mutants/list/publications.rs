//! Bugs in the outbox.

use super::super::mutant::{Mutant, mutant};

const OUTBOX: &str = "src/core/outbox/mod.rs";
const FLIGHT: &str = "src/core/outbox/flight.rs";
const PUBLICATION: &str = "src/core/outbox/publication.rs";
const PUBLICATIONS: &str = "src/core/session/publications.rs";
const CONNECTION: &str = "src/core/session/connection.rs";
const ANSWER_DEADLINE: &str = "src/core/session/answer_deadline.rs";
const TIMER: &str = "src/core/timer.rs";
const SUSPICION: &str = "src/core/outbox/suspicion.rs";

pub const MUTANTS: &[Mutant] = &[
    // Publications.
    mutant(
        OUTBOX,
        "what was under way is not sent again",
        "        while let Some(p) = self.flight.pop() {\n            insert(&mut self.next, p);\n        }\n        self.flight = Flight::new();",
        "",
    ),
    mutant(
        OUTBOX,
        "do not wait as long as the server asks",
        "self.release(now);",
        "self.release(Instant(u64::MAX));\n        self.next.iter_mut().for_each(|p| p.paused_until = None);",
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
        "first.ch == p.ch)",
        "first.ch == p.ch && p.ch.is_empty())",
    ),
    mutant(
        OUTBOX,
        "never send a suspect again",
        "opened_at.filter(|_| self.is_isolating())",
        "opened_at.filter(|_| false)",
    ),
    mutant(
        PUBLICATION,
        "what is sent again goes to the end",
        "queue.insert(at, p);",
        "queue.insert(at.min(0), p);",
    ),
    mutant(OUTBOX, "a suspect is sent with others", "self.flight.is_empty() && now >= ", "now >= "),
    mutant(
        OUTBOX,
        "suspects go out behind hello",
        "None if self.awaits_welcome || self.is_isolating() || !self.suspicion.is_clear() => false,",
        "None if self.awaits_welcome => false,",
    ),
    mutant(
        OUTBOX,
        "go out behind hello, whatever that did before",
        "self.awaits_welcome |= first.is_some();",
        "self.awaits_welcome |= false;",
    ),
    mutant(
        OUTBOX,
        "never again go out behind hello",
        "self.awaits_welcome = false;",
        "self.awaits_welcome |= false;",
    ),
    mutant(
        OUTBOX,
        "before welcome, overtake what is too large",
        "if line.opened_at.is_none() && self.next.last()?.bytes > line.frame_bytes_max {",
        "if line.opened_at.is_none() && self.next.last()?.bytes == u64::MAX {",
    ),
    mutant(
        OUTBOX,
        "send what is too large",
        "} else if p.bytes > line.frame_bytes_max {",
        "} else if p.bytes > line.frame_bytes_max.max(1 << 40) {",
    ),
    mutant(OUTBOX, "a rejection leaves the window as it is", "self.flight.slow_down();", ""),
    mutant(
        OUTBOX,
        "hold publications without end",
        "while self.held_count() < HELD_MAX {",
        "while self.held_count() < usize::MAX {",
    ),
    mutant(OUTBOX, "suspects stay suspects", "self.next.iter_mut().for_each(|p| p.suspect = false);", ""),
    mutant(OUTBOX, "a paused publication stays a suspect", "p.suspect = false; // an answer", "// an answer"),
    mutant(FLIGHT, "any number in flight", "&& self.sent.len() < COUNT_MAX", ""),
    mutant(FLIGHT, "any bytes in flight", "self.bytes < self.window.size(BYTES_FIRST, BYTES_MAX) && ", ""),
    mutant(
        FLIGHT,
        "few in flight, however far",
        "self.window.pass(p.bytes, ",
        "self.window.pass(0 * p.bytes, ",
    ),
    mutant(
        FLIGHT,
        "measure from the longest answer",
        "self.answer_ms.min(now.ms_since(p.sent_at))",
        "now.ms_since(p.sent_at)",
    ),
    mutant(
        FLIGHT,
        "an answered publication still counts as in flight",
        "self.bytes = self.bytes.saturating_sub(p.bytes);",
        "",
    ),
    mutant(CONNECTION, "publications wait for welcome", "            self.flush_outbox();\n", ""),
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
