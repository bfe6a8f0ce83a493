//! Bugs in the connection: attempts, deadlines, lifecycle events, answers, the token.

use super::super::mutant::{Mutant, mutant};

const ANSWER_DEADLINE: &str = "src/core/session/answer_deadline.rs";
const BACKOFF: &str = "src/core/backoff.rs";
const CONNECTION: &str = "src/core/session/connection.rs";
const FRAMES: &str = "src/core/session/frames.rs";
const HEARTBEAT: &str = "src/core/heartbeat.rs";
const LIVENESS: &str = "src/core/session/liveness.rs";
const RECONNECT: &str = "src/core/reconnect.rs";
const SUBSCRIPTIONS: &str = "src/core/session/subscriptions.rs";
const TIMER: &str = "src/core/timer.rs";
const TOKEN: &str = "src/core/session/token.rs";

pub const MUTANTS: &[Mutant] = &[
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
        "self.suspend(now).max(delay_ms);",
        "self.suspend(now).min(0).max(delay_ms);",
    ),
    mutant(
        CONNECTION,
        "a drained connection is a failed attempt",
        "ReasonCode::Drained => self.reconnect.drained(self.now),",
        "ReasonCode::Drained => self.reconnect.failed(self.now),",
    ),
    mutant(
        RECONNECT,
        "after a drain, the backoff is as long as ever",
        "if now < self.return_until {",
        "if now < self.return_until.min(Instant(0)) {",
    ),
    mutant(
        RECONNECT,
        "drains are never failed attempts",
        "if self.drains > DRAINS_MAX {",
        "if self.drains == 0 {",
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
        "for channel in channels.iter_mut() {\n                channel.subscribe(&mut cx);",
        "for channel in channels.iter_mut().skip(1) {\n                channel.subscribe(&mut cx);",
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
        "<< exponent).min(self.max_ms)",
        "<< exponent).max(self.max_ms)",
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
        "        self.suspend(now);\n        self.backoff.next_ms(0);\n        Wait {",
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
        "self.deadlines.iter().copied().min()",
        "self.deadlines.iter().copied().filter(|&at| at < NEVER).max()",
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
        "sum(down_ms, up_ms)",
        "down_ms.saturating_add(up_ms * 0)",
    ),
    mutant(
        TIMER,
        "a late deadline is final",
        "let postpones = reason && self.postponed & bit(timer) == 0;",
        "let postpones = reason && false;",
    ),
    // Answers and questions.
    mutant(
        FRAMES,
        "a refusal of an earlier sub ends a later one",
        "&& (reference.is_none() || channel.is_answered_by(reference))",
        "&& (reference.is_none() || channel.is_answered_by(None))",
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
];
