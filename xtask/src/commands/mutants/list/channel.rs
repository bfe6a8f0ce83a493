//! Bugs in the seam, and in what a channel does with positions, replays, credit and progress.

use super::super::mutant::{Mutant, mutant};

const CHANNEL: &str = "src/core/channel/mod.rs";
const CHANNEL_QUEUE: &str = "src/core/channel/queue.rs";
const CURSOR: &str = "src/core/channel/cursor.rs";
const DELIVERY: &str = "src/core/channel/delivery.rs";
const PHASE: &str = "src/core/channel/phase.rs";
const POSITION: &str = "src/wire/message_id.rs";
const PROGRESS: &str = "src/core/channel/progress.rs";
const REPAIR: &str = "src/core/channel/repair.rs";
const SEAM: &str = "src/core/seam.rs";
const WINDOW: &str = "src/core/window.rs";
const CONNECTION: &str = "src/core/session/connection.rs";

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
        "cursor.advance(batch.end(), batch.last_id.to_owned())",
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
        "sum(self.messages, messages) <= config.queue_messages_max",
        "sum(self.messages, messages) <= config.queue_messages_max.max(u64::MAX)",
    ),
    mutant(
        CHANNEL,
        "never come back from a lag",
        "if matches!(self.phase, Phase::Lagging) && self.progress.queue.has_caught_up(cx.config) {",
        "if matches!(self.phase, Phase::Lagging) && !self.progress.queue.has_caught_up(cx.config) {",
    ),
    mutant(CHANNEL, "grant no more credit", "if more > 0\n", "if more == u64::MAX\n"),
    mutant(
        CHANNEL,
        "grant credit for every message",
        "if free == 0 || free < self.progress.queue.window(cx.config) / GRANTS_PER_WINDOW {",
        "if free == 0 {",
    ),
    mutant(
        CHANNEL,
        "grant a whole window at once",
        "GRANTS_PER_WINDOW: u64 = 8;",
        "GRANTS_PER_WINDOW: u64 = 1;",
    ),
    mutant(
        CHANNEL,
        "grant what was free before the window changed",
        "let more = self.credit(granted, used, cx.config);",
        "let more = free;",
    ),
    mutant(
        DELIVERY,
        "count no messages ahead of the credit",
        "sum(subscription.used, batch.count);",
        "sum(subscription.used, batch.count).min(subscription.granted);",
    ),
    mutant(
        CHANNEL_QUEUE,
        "let the server go ahead on a known path",
        "(!self.window.is_fitted()).then_some",
        "true.then_some",
    ),
    mutant(
        CHANNEL_QUEUE,
        "let the server go ahead of what waits",
        "config.queue_messages_max.saturating_sub(self.messages);\n        let bytes",
        "config.queue_messages_max;\n        let bytes",
    ),
    mutant(WINDOW, "a lag leaves the window unknown", "Window { size: 1, ..", "Window { size: 0, .."),
    mutant(
        CHANNEL,
        "measure a replay from its last grant on, long ago",
        "self.progress.queue.replay_begins(cx.now);",
        "",
    ),
    mutant(
        CHANNEL_QUEUE,
        "no window follows the path",
        "self.window.pass(count, ",
        "self.window.pass(0 * count, ",
    ),
    mutant(
        CHANNEL_QUEUE,
        "the window grows beyond the queue",
        "self.at_most(config.queue_messages_max, config.queue_bytes_max)",
        "self.at_most(config.queue_messages_max * 2, config.queue_bytes_max)",
    ),
    mutant(
        CHANNEL_QUEUE,
        "the window forgets the bytes",
        "self.at_most(config.queue_messages_max, config.queue_bytes_max)",
        "config.queue_messages_max",
    ),
    mutant(DELIVERY, "a lag keeps the window", "self.progress.queue.overflowed();", ""),
    mutant(WINDOW, "the window only grows", ".clamp(size / 2, ", ".clamp(size, "),
    mutant(WINDOW, "the window is what the path carries", "((2.0 * carried)", "((1.0 * carried)"),
    mutant(WINDOW, "a window is measured when all of it has passed", "size.div_ceil(2)", "size"),
    mutant(
        WINDOW,
        "a larger window is measured before it is full",
        "(self.size <= size).then_some(now)",
        "Some(now)",
    ),
    mutant(
        WINDOW,
        "a clump grows the window without limit",
        "size.min(u64::MAX / GROWTH_MAX) * GROWTH_MAX",
        "u64::MAX",
    ),
    mutant(WINDOW, "the minimum prevails", "self.size.max(min).min(max)", "self.size.min(max).max(min)"),
    mutant(
        CONNECTION,
        "no round trip is measured",
        "self.now.ms_since(greeted_at)",
        "self.now.ms_since(self.now)",
    ),
    mutant(
        CHANNEL_QUEUE,
        "credit for all, whatever waits",
        "in_all.saturating_sub(granted).saturating_sub(self.messages)",
        "in_all.saturating_sub(granted)",
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
];
