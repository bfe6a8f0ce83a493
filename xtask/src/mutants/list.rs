//! The planted bugs: small mistakes that somebody could make, each in one place of the core.

/// A planted bug.
pub struct Mutant {
    /// What the mistake is.
    pub name: &'static str,
    pub file: &'static str,
    /// Stands once in the file …
    pub find: &'static str,
    /// … and is replaced by this.
    pub replace: &'static str,
}

const fn mutant(file: &'static str, name: &'static str, find: &'static str, replace: &'static str) -> Mutant {
    Mutant { name, file, find, replace }
}

const BACKOFF: &str = "src/core/backoff.rs";
const CHANNEL: &str = "src/core/channel.rs";
const CONNECTION: &str = "src/core/session/connection.rs";
const HANDLE: &str = "src/core/session/handle.rs";
const HEARTBEAT: &str = "src/core/heartbeat.rs";
const MESSAGES: &str = "src/core/channel/messages.rs";
const OUTBOX: &str = "src/core/outbox.rs";
const POSITION: &str = "src/core/position.rs";
const PROGRESS: &str = "src/core/channel/progress.rs";
const SEAM: &str = "src/core/seam.rs";
const SESSION: &str = "src/core/session.rs";
const TIMER: &str = "src/core/timer.rs";

/// All of them.
pub const MUTANTS: &[Mutant] = &[
    // The seam.
    mutant(SEAM, "< for <= in skip", "if skip < count {", "if skip + 1 < count {"),
    mutant(SEAM, "a frame that was seen whole is new", "if skip < count {", "if skip <= count {"),
    mutant(SEAM, "a hole of one message is none", "if n > next {", "if n > next + 1 {"),
    mutant(SEAM, "skip is one too few", "let skip = next - n;", "let skip = (next - n).saturating_sub(1);"),
    mutant(SEAM, "a hole ends with the frame", "to: n - 1 }", "to: n }"),
    // Positions.
    mutant(
        POSITION,
        "compare ids as text",
        "Ok(MessageId { ms: ms.ok_or(BadMessageId)?, seq: seq.ok_or(BadMessageId)? })",
        "Ok(MessageId { ms: ms.ok_or(BadMessageId)?, seq: seq.map(|seq| seq % 10).ok_or(BadMessageId)? })",
    ),
    mutant(
        CHANNEL,
        "forget the epoch",
        "if position.epoch != epoch {",
        "if false && position.epoch != epoch {",
    ),
    mutant(
        CHANNEL,
        "trust the server's word: no rewind",
        "} else if position.offset > head {",
        "} else if false && position.offset > head {",
    ),
    mutant(
        CHANNEL,
        "do not look at what was trimmed",
        "} else if position.offset < before_first {",
        "} else if false && position.offset < before_first {",
    ),
    mutant(
        CHANNEL,
        "take the answer to an earlier sub",
        "reference.is_none_or(|reference| reference == self.reference)",
        "reference.is_none_or(|_| true)",
    ),
    mutant(
        MESSAGES,
        "advance by the whole log, not by the frame",
        "position.offset = batch.n.saturating_add(batch.count - 1);\n            position.id",
        "position.offset = batch.n.saturating_add(batch.count);\n            position.id",
    ),
    mutant(
        CHANNEL,
        "the new epoch begins at 0, whatever was trimmed",
        "Some(Position { epoch, offset: before_first, id: None });\n        self.report(Gap",
        "Some(Position { epoch, offset: before_first.min(0), id: None });\n        self.report(Gap",
    ),
    // The replay.
    mutant(
        MESSAGES,
        "deliver live frames that lie ahead of the replay",
        "self.park(batch, cx);\n            }",
        "self.deliver(batch, 0, cx);\n            }",
    ),
    mutant(
        MESSAGES,
        "drop what was parked",
        "std::mem::take(parked),",
        "std::mem::take(parked).into_iter().skip(usize::MAX).collect::<Vec<_>>(),",
    ),
    mutant(MESSAGES, "forget that something lay ahead", "let end = head.max(self.ahead);", "let end = head;"),
    mutant(
        MESSAGES,
        "live means that nothing is missing",
        "let end = head.max(self.ahead);",
        "let end = self.offset();",
    ),
    mutant(MESSAGES, "what found no room is lost", "to.min(self.let_go.saturating_sub(1))", "to"),
    mutant(MESSAGES, "park without a limit", "> cx.config.replay_credit {", "> u64::MAX - 1 {"),
    mutant(
        MESSAGES,
        "a hole is a gap at once",
        "if self.repair == Some(self.offset()) {",
        "if self.repair != Some(u64::MAX) {",
    ),
    mutant(
        MESSAGES,
        "ask for a hole for ever",
        "if self.repair == Some(self.offset()) {",
        "if self.repair == Some(u64::MAX) {",
    ),
    mutant(
        MESSAGES,
        "deliver after a hole without a gap",
        "        self.gap(Some(to), GapReason::Hole, to, cx);\n        match judge",
        "        self.move_to(to);\n        match judge",
    ),
    mutant(
        MESSAGES,
        "frames before subd belong to it",
        "if !matches!(self.phase, Phase::Replaying { .. } | Phase::Live) {\n            cx.stats.discarded",
        "if matches!(self.phase, Phase::Detached) {\n            cx.stats.discarded",
    ),
    // Credit and queues.
    mutant(
        MESSAGES,
        "queue without a limit",
        "waiting.saturating_add(fresh) > cx.config.queue_messages_max",
        "waiting.saturating_add(fresh) > u64::MAX - 1",
    ),
    mutant(
        CHANNEL,
        "never come back from a lag",
        "if matches!(self.phase, Phase::Lagging) && self.progress.pending() <= limit(cx.config) / 2 {",
        "if matches!(self.phase, Phase::Lagging) && self.progress.pending() > limit(cx.config) {",
    ),
    mutant(CHANNEL, "grant no more credit", "if more > 0 && more >= limit", "if more > limit"),
    mutant(
        CHANNEL,
        "credit for all, whatever waits",
        "limit(config).saturating_sub(self.progress.pending())",
        "limit(config).saturating_sub(self.progress.pending() * 0)",
    ),
    // What was processed.
    mutant(
        PROGRESS,
        "acknowledge what was delivered",
        "self.acked = self.processed.clone();\n        self.acked.clone()",
        "self.acked = self.processed.clone();\n        Some(delivered.clone())",
    ),
    mutant(
        PROGRESS,
        "acknowledge in another log",
        "let ours = processed.epoch == delivered.epoch && processed.offset <= delivered.offset;",
        "let ours = processed.offset <= delivered.offset || true;",
    ),
    mutant(
        PROGRESS,
        "what was processed before a rewind counts after it",
        "self.outdated = self.pending;",
        "self.outdated = 0;",
    ),
    // The connection.
    mutant(
        CONNECTION,
        "reset the backoff on open",
        "        self.refusals = 0;\n        self.stats.connects",
        "        self.backoff.reset();\n        self.refusals = 0;\n        self.stats.connects",
    ),
    mutant(
        CONNECTION,
        "keep the old socket's frames after a reconnect",
        "if *socket != from {\n            return false;",
        "if *socket != from && false {\n            return false;",
    ),
    mutant(
        HANDLE,
        "keep the old socket's close after a reconnect",
        "        if self.socket() != Some(socket) {\n            return;\n        }\n        let welcomed",
        "        if self.socket().is_none() {\n            return;\n        }\n        let welcomed",
    ),
    mutant(
        CONNECTION,
        "do not obey the server's hint",
        "false => self.backoff.next_ms().max(hint_ms),",
        "false => self.backoff.next_ms().max(hint_ms.min(0)),",
    ),
    mutant(
        CONNECTION,
        "no deadline for the connection",
        "self.timers.set(Timer::Connect,",
        "self.timers.set(Timer::Stable,",
    ),
    mutant(
        CONNECTION,
        "subscribe to nothing after a reconnect",
        "for channel in channels.iter_mut() {\n            channel.subscribe(&mut cx);\n        }\n        self.plan_ack();",
        "for channel in channels.iter_mut().skip(1) {\n            channel.subscribe(&mut cx);\n        }\n        self.plan_ack();",
    ),
    mutant(
        BACKOFF,
        "no jitter, no wait",
        "floor + self.random.below(cap - floor + 1)",
        "self.random.below(1)",
    ),
    mutant(
        BACKOFF,
        "doubling without a cap",
        "saturating_mul(1 << exponent).min(self.max_ms);",
        "saturating_mul(1 << exponent).max(self.max_ms);",
    ),
    mutant(
        HEARTBEAT,
        "never give a silent connection up",
        "Heartbeat::Asked { .. } => Beat::Dead,",
        "Heartbeat::Asked { .. } => self.ask(now, pong_timeout_ms, true),",
    ),
    mutant(
        CONNECTION,
        "a wake sign goes around the backoff and the hint",
        "spaced.max(self.stay_away_until).max(self.now)\n    }",
        "let _ = spaced; self.now\n    }",
    ),
    mutant(
        CONNECTION,
        "a wake goes around the backoff each time",
        "spaced.max(self.stay_away_until).max(self.now)\n    }",
        "self.stay_away_until.max(self.now).max(spaced.min(self.now))\n    }",
    ),
    mutant(
        CONNECTION,
        "what a wake finds dead waits for the backoff",
        "if self.woken && !put_away {",
        "if self.woken && put_away {",
    ),
    mutant(
        HEARTBEAT,
        "a probe closes a healthy socket",
        "Heartbeat::Heard(_) => self.ask(now, probe_timeout_ms, false),",
        "Heartbeat::Heard(_) => Beat::Dead,",
    ),
    mutant(CONNECTION, "suspend keeps the timers", "if !put_away {", "if !put_away || retry_in_ms == 0 {"),
    mutant(
        CONNECTION,
        "suspend counts as a failed attempt",
        "true => self.soonest().ms_since(self.now),",
        "true => self.soonest().ms_since(self.now) + self.backoff.next_ms().min(0),",
    ),
    mutant(
        CONNECTION,
        "suspend forgets the server's hint",
        "self.stay_away_until.max(self.now.after_ms(hint_ms));",
        "self.now.after_ms(if code == ReasonCode::PageHidden { 0 } else { hint_ms });",
    ),
    mutant(
        TIMER,
        "the latest deadline is the next",
        "self.0.iter().flatten().min().copied()",
        "self.0.iter().flatten().max().copied()",
    ),
    // Publications.
    mutant(
        OUTBOX,
        "what was under way is not sent again",
        "p.progress = Progress::Waiting;",
        "p.progress = Progress::Sent;",
    ),
    mutant(
        OUTBOX,
        "do not wait as long as the server asks",
        "Progress::NotBefore(at) => at <= now,",
        "Progress::NotBefore(at) => at <= now || true,",
    ),
    mutant(
        SESSION,
        "forget to tell when a pause is over",
        "Some(at) => self.timers.set(Timer::Outbox, at),",
        "Some(at) if at <= self.now => self.timers.set(Timer::Outbox, at),\n            Some(_) => {}",
    ),
];
