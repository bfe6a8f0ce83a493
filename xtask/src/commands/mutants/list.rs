//! The planted bugs: small mistakes that somebody could make, each in one place of the core.

use super::mutant::Mutant;

const fn mutant(file: &'static str, name: &'static str, find: &'static str, replace: &'static str) -> Mutant {
    Mutant { name, file, find, replace }
}

const ANSWER_DEADLINE: &str = "src/core/session/answer_deadline.rs";
const BACKOFF: &str = "src/core/backoff.rs";
const CHANNEL: &str = "src/core/channel/mod.rs";
const CHANNEL_QUEUE: &str = "src/core/channel/queue.rs";
const CONNECTION: &str = "src/core/session/connection.rs";
const CURSOR: &str = "src/core/channel/cursor.rs";
const DELIVERY: &str = "src/core/channel/delivery.rs";
const FRAMES: &str = "src/core/session/frames.rs";
const HEARTBEAT: &str = "src/core/heartbeat.rs";
const LIVENESS: &str = "src/core/session/liveness.rs";
const OUTBOX: &str = "src/core/outbox/mod.rs";
const PHASE: &str = "src/core/channel/phase.rs";
const POSITION: &str = "src/wire/position.rs";
const PROGRESS: &str = "src/core/channel/progress.rs";
const PUBLICATIONS: &str = "src/core/session/publications.rs";
const RECONNECT: &str = "src/core/reconnect.rs";
const REPAIR: &str = "src/core/channel/repair.rs";
const SEAM: &str = "src/core/seam.rs";
const SUBSCRIPTIONS: &str = "src/core/session/subscriptions.rs";
const SUSPICION: &str = "src/core/outbox/suspicion.rs";
const TIMER: &str = "src/core/timer.rs";
const TOKEN: &str = "src/core/session/token.rs";

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
        "reference.is_none_or(|reference| reference == subscription.reference)",
        "reference.is_none_or(|_| subscription.reference > 0)",
    ),
    mutant(
        DELIVERY,
        "advance by the whole log, not by the frame",
        "cursor.advance(batch.end(), batch.last_id)",
        "cursor.advance(batch.end() + 1, batch.last_id)",
    ),
    mutant(
        CHANNEL,
        "the new epoch begins at 0, whatever was trimmed",
        "Position { epoch, offset: before_first, id: None }",
        "Position { epoch, offset: before_first.min(0), id: None }",
    ),
    // The replay.
    mutant(
        DELIVERY,
        "deliver live frames that lie ahead of the replay",
        "self.phase.buffer().is_some() => self.buffer(batch, cx),",
        "self.phase.buffer().is_some() => self.deliver(batch, 0, cx),",
    ),
    mutant(
        PHASE,
        "drop what was buffered",
        "let buffer = std::mem::take(buffer);",
        "let buffer = Buffer { batches: Vec::new(), ..std::mem::take(buffer) };",
    ),
    mutant(
        DELIVERY,
        "forget that something lay ahead",
        "let end = buffered_end.map_or(head, |end| end.max(head));",
        "let end = buffered_end.map_or(head, |_| head);",
    ),
    mutant(
        DELIVERY,
        "live means that nothing is missing",
        "let end = buffered_end.map_or(head, |end| end.max(head));",
        "let end = buffered_end.map_or(0, |_| self.offset());",
    ),
    mutant(
        DELIVERY,
        "what found no room is lost",
        "dropped_from.map_or(to, |from| to.min(from.saturating_sub(1)))",
        "dropped_from.map_or(to, |_| to)",
    ),
    mutant(PHASE, "buffer without a limit", "<= messages_max", "<= u64::MAX.max(messages_max)"),
    mutant(
        DELIVERY,
        "a hole is a gap at once",
        "if cursor.repair.is_some() {",
        "if cursor.repair.is_none() || cursor.repair.is_some() {",
    ),
    mutant(
        DELIVERY,
        "ask for a hole forever",
        "if cursor.repair.is_some() {",
        "if cursor.repair.is_some() && cursor.repair.is_none() {",
    ),
    mutant(
        DELIVERY,
        "deliver after a hole without a gap",
        "        self.gap(Some(to), GapReason::Hole, to, cx);\n        match classify",
        "        self.jump(to);\n        match classify",
    ),
    mutant(
        DELIVERY,
        "frames before subd belong to it",
        "if !self.phase.is_streaming() ||",
        "if self.phase.subscription().is_none() ||",
    ),
    // Credit and queues.
    mutant(
        CHANNEL_QUEUE,
        "queue without a limit",
        "self.messages.saturating_add(messages) <= config.queue_messages_max",
        "self.messages.saturating_add(messages) <= config.queue_messages_max.max(u64::MAX)",
    ),
    mutant(
        CHANNEL,
        "never come back from a lag",
        "if matches!(self.phase, Phase::Lagging) && self.progress.queue.has_caught_up(cx.config) {",
        "if matches!(self.phase, Phase::Lagging) && !self.progress.queue.has_caught_up(cx.config) {",
    ),
    mutant(CHANNEL, "grant no more credit", "if more > 0 && more >= ", "if more == u64::MAX && more > "),
    mutant(
        CHANNEL_QUEUE,
        "credit for all, whatever waits",
        "messages_max(config).saturating_sub(self.messages);",
        "messages_max(config).saturating_sub(self.messages * 0);",
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
        "outdated: self.queue.messages() }",
        "outdated: 0 }",
    ),
    // The connection.
    mutant(
        CONNECTION,
        "hello leaves out the lineage",
        "lineage: self.config.lineage.clone(),",
        "lineage: None,",
    ),
    mutant(
        CONNECTION,
        "hello does not say which page loads it continues",
        "lineage: self.config.lineage.clone(),",
        "lineage: self.config.lineage.as_ref().and_then(|names| names.split(' ').next()).map(str::to_owned),",
    ),
    mutant(
        RECONNECT,
        "reset the backoff on open",
        "        self.restarts = 0;\n    }",
        "        self.restarts = 0;\n        self.backoff.reset();\n    }",
    ),
    mutant(
        LIVENESS,
        "keep the old socket's frames after a reconnect",
        "self.link.open_mut().filter(|open| open.socket == from)",
        "self.link.open_mut().filter(|open| open.socket == from || true)",
    ),
    mutant(
        CONNECTION,
        "keep the old socket's close after a reconnect",
        "        if self.link.socket() != Some(socket) {\n            return;\n        }\n        let welcomed",
        "        if self.link.socket().is_none() {\n            return;\n        }\n        let welcomed",
    ),
    mutant(
        RECONNECT,
        "do not obey the server's hint",
        "self.backoff.next_ms().max(pause_ms);",
        "self.backoff.next_ms().max(pause_ms.min(0));",
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
        RECONNECT,
        "a wake event goes around the backoff and the hint",
        "spaced.max(self.suspended_until).max(now)",
        "{ let _ = spaced; now }",
    ),
    mutant(
        RECONNECT,
        "a wake goes around the backoff each time",
        "spaced.max(self.suspended_until).max(now)",
        "self.suspended_until.max(now).max(spaced.min(now))",
    ),
    mutant(
        RECONNECT,
        "what a wake finds dead waits for the backoff",
        "if self.attempt.in_doubt { until.min(",
        "if !self.attempt.in_doubt { until.min(",
    ),
    mutant(
        HEARTBEAT,
        "a probe closes a healthy socket",
        "Heartbeat::Heard(_) => self.ask(now, probe_timeout_ms, false),",
        "Heartbeat::Heard(_) => Beat::Dead,",
    ),
    mutant(
        RECONNECT,
        "suspend keeps the timers",
        "ms: self.earliest(now).ms_since(now), until: None }",
        "ms: self.earliest(now).ms_since(now), until: Some(self.earliest(now)) }",
    ),
    mutant(
        RECONNECT,
        "suspend counts as a failed attempt",
        "        self.suspend(now);\n        Wait {",
        "        self.suspend(now);\n        self.backoff.next_ms();\n        Wait {",
    ),
    mutant(
        RECONNECT,
        "suspend forgets the server's hint",
        "        self.suspend(now);\n        Wait {",
        "        self.attempt.retry_after_ms = None;\n        Wait {",
    ),
    mutant(
        TIMER,
        "the latest deadline is the next",
        "self.deadlines.iter().flatten().min().copied()",
        "self.deadlines.iter().flatten().max().copied()",
    ),
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
    // Progress, whatever a server answers.
    mutant(
        DELIVERY,
        "live forgets what was asked for",
        "        let Some(Cursor { repair: Some(repair), .. }) = &mut self.cursor",
        "        self.cursor.iter_mut().for_each(|cursor| cursor.repair = None);\n        let Some(Cursor { repair: Some(repair), .. }) = &mut self.cursor",
    ),
    mutant(
        CURSOR,
        "a gap leaves the request for what it covers open",
        "self.position.id = None;\n        self.repair = None;",
        "self.position.id = None;",
    ),
    mutant(
        REPAIR,
        "ask a node that lags forever",
        "if self.pauses == PAUSES_MAX {",
        "if self.pauses == u32::MAX {",
    ),
    mutant(
        REPAIR,
        "what came on an old connection is still missing",
        "self.seen = None;",
        "self.seen = self.seen.filter(|_| true);",
    ),
    // Answers and questions.
    mutant(
        FRAMES,
        "a refusal of an earlier sub ends a later one",
        "if reference.is_none() || channel.is_answered_by(reference) {",
        "if reference.is_none() || channel.is_answered_by(None) {",
    ),
    mutant(
        SUBSCRIPTIONS,
        "a channel over the limit is forgotten",
        "find(|channel| channel.is_over_limit()) {",
        "find(|channel| channel.is_over_limit() && false) {",
    ),
    mutant(
        RECONNECT,
        "a later hint shortens an earlier one",
        "self.attempt.retry_after_ms.max(retry_after_ms);",
        "retry_after_ms.or(self.attempt.retry_after_ms);",
    ),
    // The token.
    mutant(
        TOKEN,
        "call the token function again while it runs",
        "Value::Fetching { until, .. } if until > self.now => Some(until),",
        "Value::Fetching { until, .. } if until < self.now => Some(until),",
    ),
    // Slow links and busy processes.
    mutant(
        ANSWER_DEADLINE,
        "a large frame on its way is no reason to wait",
        "self.incoming_until = now.after_ms(transfer_ms(bytes));",
        "self.incoming_until = now.after_ms(transfer_ms(bytes * 0));",
    ),
    mutant(
        ANSWER_DEADLINE,
        "what was sent needs no time",
        "down_ms.saturating_add(up_ms)",
        "down_ms.saturating_add(up_ms * 0)",
    ),
    mutant(
        TIMER,
        "a late deadline is final",
        "self.postponed = reason && !self.postponed;",
        "self.postponed = reason && !self.postponed && false;",
    ),
];
