//! What must hold at every step. Each function gets an action of a session, and returns what is wrong with it.

use std::collections::{BTreeSet, HashMap, HashSet};

use seamline::core::{Batch, Config, Gap, GapReason};
use seamline::wire::{Ahead, Position};

use crate::log::{Log, epoch_number, message_id};

type Verdict = Result<(), String>;

fn check(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}

/// What one subscription received: each message once, in order, and no silent loss.
#[derive(Default)]
pub struct Reader {
    /// Its position: (epoch, offset).
    pub position: Option<(u64, u64)>,
    /// How far the current log was processed.
    pub processed: Option<(u64, u64)>,
    /// Messages that wait for the application.
    pub pending: u64,
    /// What arrived: (epoch, offset, message). A log that was rewound or replaced forgets idempotency keys too,
    /// and may then store a message a second time.
    seen: HashSet<(u64, u64, u64)>,
    /// The highest offset of all frames since the last `subd`, delivered or not.
    ahead: u64,
}

impl Reader {
    pub fn at(position: Option<(u64, u64)>) -> Self {
        Reader { position, processed: position, ..Reader::default() }
    }

    pub fn attached(&mut self, position: &Position) -> Verdict {
        check(self.position.is_none(), || "attached a second time".to_owned())?;
        self.position = Some((epoch_number(&position.epoch), position.offset));
        self.processed = self.position;
        Ok(())
    }

    pub fn deliver(&mut self, batch: &Batch<Vec<u64>>, skip: u64, log: &Log, config: &Config) -> Verdict {
        let Some((epoch, at)) = self.position else { return Err("a message before a position".to_owned()) };
        check(skip < batch.count, || "a delivery of nothing".to_owned())?;
        check(batch.n + skip == at + 1, || format!("{} was delivered after {at}", batch.n + skip))?;
        let fresh = batch.count - skip;
        let bounded = self.pending == 0 || self.pending + fresh <= config.queue_messages_max;
        check(bounded, || format!("{} messages wait for the application", self.pending + fresh))?;
        for (i, &message) in batch.payload.iter().enumerate().skip(skip as usize) {
            let offset = batch.n + i as u64;
            check(log.epochs[epoch as usize].had(offset, message), || {
                format!("message {message} was never at {epoch}/{offset}")
            })?;
            let first = self.seen.insert((epoch, offset, message));
            check(first, || format!("message {message} was delivered twice"))?;
        }
        self.position = Some((epoch, batch.n + batch.count - 1));
        self.pending += fresh;
        Ok(())
    }

    /// A gap is reported only if messages were lost, and names them.
    pub fn gap(&mut self, gap: &Gap, position: &Position, log: &Log) -> Verdict {
        let Some((epoch, at)) = self.position else { return Err("a gap before a position".to_owned()) };
        let to = (epoch_number(&position.epoch), position.offset);
        let state = &log.epochs[epoch as usize];
        let wrong = || format!("at {epoch}/{at}, a gap that is none: {gap:?}, on from {position:?}");
        match gap.reason {
            GapReason::EpochChanged => {
                check(to.0 > epoch && to.0 <= log.epoch() && gap.from == at + 1 && gap.to.is_none(), wrong)?;
            }
            GapReason::Rewound => {
                let range = gap.from == to.1 + 1 && gap.to == Some(at);
                check(to.0 == epoch && range && state.was_rewound_to(to.1), wrong)?;
                self.seen.retain(|&(e, o, _)| e != epoch || o <= to.1); // these may arrive again
                self.processed =
                    self.processed.map(|(e, o)| if e == epoch { (e, o.min(to.1)) } else { (e, o) });
            }
            GapReason::Trimmed | GapReason::Hole => {
                let range = gap.from == at + 1 && gap.to == Some(to.1) && to.1 > at;
                check(to.0 == epoch && range && state.lost_all(gap.from, to.1), wrong)?;
            }
            reason => return Err(format!("no invariant for a gap that is {reason}")),
        }
        self.position = Some(to);
        Ok(())
    }

    /// A replay begins.
    pub fn begins(&mut self) {
        self.ahead = 0;
    }

    /// A frame arrived with messages up to this offset.
    pub fn sees(&mut self, offset: u64) {
        self.ahead = self.ahead.max(offset);
    }

    /// A live channel has received, or reported as lost, everything that ever arrived.
    pub fn live(&self) -> Verdict {
        let (at, ahead) = (self.position.map_or(0, |at| at.1), self.ahead);
        check(at >= ahead, || format!("live at {at}, but {ahead} was seen"))
    }

    pub fn acks(&self, epoch: u64, offset: u64) -> Verdict {
        let fits = |at: Option<(u64, u64)>| at.is_some_and(|at| at.0 == epoch && offset <= at.1);
        check(fits(self.processed) && fits(self.position), || {
            format!("{epoch}/{offset} was acknowledged, but {:?} is processed", self.processed)
        })
    }
}

/// How many replayed messages the server may still send for a channel.
#[derive(Default)]
pub struct Credit {
    /// Whether the channel was subscribed to on this connection before.
    pub subscribed: bool,
    /// The number of its last `sub`.
    number: Option<u64>,
    /// Whether a `subd` has arrived since. Frames before it use up the credit of an earlier `sub`.
    answered: bool,
    /// Below zero if the server went ahead of the credit.
    left: i64,
    /// The position of the last `sub`, and how many came from there without progress.
    asked: Option<(Option<(u64, u64)>, u32)>,
}

/// A channel subscribes from the same position at most this often: once to begin, once for missing messages, and
/// three more times if the server sends nothing.
const ASKS_MAX: u32 = 5;

impl Credit {
    pub fn sub(
        &mut self,
        number: Option<u64>,
        credit: u64,
        ahead: Option<Ahead>,
        pending: u64,
        config: &Config,
    ) -> Verdict {
        *self = Credit { subscribed: true, number, answered: false, left: 0, asked: self.asked };
        let (ahead, limit) = (ahead.map_or(0, |ahead| ahead.messages), config.queue_messages_max);
        check(ahead == 0 || ahead + pending <= limit, || {
            format!("{ahead} may come ahead of the credit while {pending} messages wait, of {limit}")
        })?;
        self.more(credit, pending, config)
    }

    pub fn more(&mut self, credit: u64, pending: u64, config: &Config) -> Verdict {
        self.left += credit as i64;
        let (left, limit) = (self.left, config.queue_messages_max);
        check(left <= 0 || left as u64 + pending <= limit, || {
            format!("a credit of {left} while {pending} messages wait, of {limit}")
        })
    }

    /// A `sub` from this position: a channel must not repeat one forever without progress.
    pub fn asks(&mut self, at: Option<(u64, u64)>) -> Verdict {
        let times = self.asked.filter(|asked| asked.0 == at).map_or(1, |asked| asked.1 + 1);
        self.asked = Some((at, times));
        check(times <= ASKS_MAX, || format!("asked {times} times for what follows {at:?}"))
    }

    /// The server or the application caused it to subscribe again.
    pub fn asks_again(&mut self) {
        self.asked = None;
    }

    /// A `subd` arrived. Returns whether it is for this subscription: it answers the last `sub`, or has no reference.
    pub fn answered(&mut self, number: Option<u64>) -> bool {
        let ours = number.is_none() || number == self.number;
        self.answered |= ours;
        ours
    }

    pub fn used(&mut self, count: u64) {
        if self.answered {
            self.left -= count as i64;
        }
    }
}

/// How one page connects: no storms, and the server's pauses are respected.
#[derive(Default)]
pub struct Line {
    failures: u32,
    /// Since a connection has lasted.
    drains: u32,
    /// Until then a server is expected to return, and the waits are short.
    return_until: u64,
    opened_at: Option<u64>,
    attempted_at: u64,
    /// Since when it waits, and for how long, as it reported.
    waiting: Option<(u64, u64)>,
    pub hint_ms: Option<u64>,
    hint_until: u64,
    /// Since when a ping is unanswered.
    asked_at: Option<u64>,
}

impl Line {
    pub fn connecting(&mut self, now: u64) -> Verdict {
        self.hint_ms = None;
        let attempted_at = std::mem::replace(&mut self.attempted_at, now);
        let Some((since, wait_ms)) = self.waiting.take() else { return Ok(()) };
        let soonest = (since + wait_ms).min((attempted_at + 1_000).max(self.hint_until));
        check(now >= soonest, || format!("an attempt {} ms too early", soonest - now))
    }

    pub fn open(&mut self, now: u64) {
        self.opened_at = Some(now);
        self.asked_at = None;
    }

    pub fn asks(&mut self, now: u64) {
        self.asked_at.get_or_insert(now);
    }

    pub fn heard(&mut self) {
        self.asked_at = None;
    }

    /// A silent connection is closed: it had its time to answer.
    pub fn gives_up(&self, now: u64, config: &Config) -> Verdict {
        let shortest_ms = config.probe_timeout_ms.min(config.pong_timeout_ms);
        check(self.asked_at.is_some_and(|at| now - at >= shortest_ms), || {
            format!("given up at {now}, asked at {:?}", self.asked_at)
        })
    }

    /// A connection that has lasted makes up for what was before it.
    fn ended(&mut self, now: u64, config: &Config) {
        if self.opened_at.take().is_some_and(|at| now - at >= config.stable_ms) {
            (self.failures, self.drains) = (0, 0);
        }
    }

    /// The page goes into the back/forward cache, which is no failure.
    pub fn suspended(&mut self, now: u64, attempt: u32, wait_ms: u64, config: &Config) -> Verdict {
        self.ended(now, config);
        let failures = self.failures;
        check(attempt == failures, || format!("attempt {attempt} is counted, but {failures} have failed"))?;
        self.hint_until = self.hint_until.max(now + self.hint_ms.take().unwrap_or(0));
        let soonest = (self.attempted_at + 1_000).max(self.hint_until);
        check(now + wait_ms == soonest.max(now), || format!("a wait of {wait_ms} ms in a suspended page"))?;
        self.waiting = Some((now, wait_ms));
        Ok(())
    }

    /// The connection is lost, or the attempt has failed.
    pub fn waits(&mut self, now: u64, attempt: u32, wait_ms: u64, config: &Config) -> Verdict {
        self.ended(now, config);
        self.fails(now, attempt, wait_ms, config)
    }

    /// The server has drained the connection, which is no failure, unless it does so again and again.
    pub fn drained(&mut self, now: u64, attempt: u32, wait_ms: u64, config: &Config) -> Verdict {
        self.ended(now, config);
        self.drains += 1;
        if self.drains > 10 {
            return self.fails(now, attempt, wait_ms, config);
        }
        let failures = self.failures;
        check(attempt == failures, || format!("attempt {attempt} is counted, but {failures} have failed"))?;
        self.begins_wait(now, wait_ms, config.backoff.initial_ms)?;
        self.return_until = now + wait_ms + 60_000;
        Ok(())
    }

    fn fails(&mut self, now: u64, attempt: u32, wait_ms: u64, config: &Config) -> Verdict {
        self.failures += 1;
        let failures = self.failures;
        check(attempt == failures, || format!("attempt {attempt} is counted, but it is number {failures}"))?;
        let cap_ms = (config.backoff.initial_ms << (failures - 1).min(20)).min(config.backoff.max_ms);
        self.begins_wait(now, wait_ms, if now < self.return_until { cap_ms.min(5_000) } else { cap_ms })
    }

    fn begins_wait(&mut self, now: u64, wait_ms: u64, cap_ms: u64) -> Verdict {
        let hint_ms = self.hint_ms.take().unwrap_or(0);
        check(wait_ms >= hint_ms.max(100) && wait_ms <= hint_ms.max(cap_ms), || {
            format!("a wait of {wait_ms} ms, at most {cap_ms} by the backoff, and a hint of {hint_ms}")
        })?;
        self.waiting = Some((now, wait_ms));
        self.hint_until = now + hint_ms;
        Ok(())
    }

    pub fn is_open(&self) -> bool {
        self.opened_at.is_some()
    }
}

/// The outcomes of one page's publications.
#[derive(Default)]
pub struct Publications {
    by_id: HashMap<u32, Publication>,
    by_key: HashMap<String, u32>,
    unsettled: BTreeSet<u32>,
    /// The last limit that the server sent.
    frame_bytes_max: Option<u64>,
}

/// How many publications may be unanswered, …
const IN_FLIGHT_MAX: usize = 1_024;
/// … of how many bytes, with one more, …
const IN_FLIGHT_BYTES_MAX: u64 = 1024 * 1024;
/// … and before `welcome`.
const EARLY_BYTES_MAX: u64 = 64 * 1024;

struct Publication {
    ch: usize,
    message: u64,
    /// The payload's size.
    bytes: u64,
    /// Sent on the current connection, and not answered.
    in_flight: bool,
    refused: bool,
}

impl Publications {
    pub fn accepted(&mut self, id: u32, key: String, ch: usize, (message, bytes): (u64, u64)) {
        self.by_id.insert(id, Publication { ch, message, bytes, in_flight: false, refused: false });
        self.by_key.insert(key, id);
        self.unsettled.insert(id);
    }

    pub fn unsettled(&self) -> u64 {
        self.unsettled.len() as u64
    }

    pub fn new_connection(&mut self) {
        for id in &self.unsettled {
            self.by_id.entry(*id).and_modify(|p| p.in_flight = false);
        }
    }

    /// The server accepts frames of this size from now on.
    pub fn welcomed(&mut self, frame_bytes_max: u64) {
        self.frame_bytes_max = Some(frame_bytes_max);
    }

    /// A publication is sent, after all earlier ones of its channel. `open`: the server has sent `welcome`.
    pub fn sent(&mut self, key: &str, ch: usize, message: u64, open: bool) -> Verdict {
        let Some(&id) = self.by_key.get(key) else { return Err(format!("{key} was never published")) };
        check(self.unsettled.contains(&id), || format!("{key} is sent after it was settled"))?;
        let earlier = self.unsettled.range(..id).map(|id| &self.by_id[id]).filter(|p| p.ch == ch);
        check(earlier.clone().all(|p| p.in_flight), || format!("{key} is sent out of order"))?;
        let in_flight = self.unsettled.iter().map(|id| &self.by_id[id]).filter(|p| p.in_flight);
        let (count, bytes) = (in_flight.clone().count(), in_flight.map(|p| p.bytes).sum::<u64>());
        let bytes_max = if open { IN_FLIGHT_BYTES_MAX } else { EARLY_BYTES_MAX };
        check(count < IN_FLIGHT_MAX && bytes < bytes_max, || {
            format!("{count} publications of {bytes} bytes in flight, and one more")
        })?;
        let fits = self.frame_bytes_max.is_some_and(|max| self.by_id[&id].bytes < max);
        check(fits, || format!("{key} is sent, but {:?} bytes are allowed", self.frame_bytes_max))?;
        let Some(p) = self.by_id.get_mut(&id) else { return Ok(()) };
        check(p.ch == ch && p.message == message, || format!("{key} is sent with another payload"))?;
        check(!p.in_flight, || format!("{key} is sent twice on one connection"))?;
        p.in_flight = true;
        Ok(())
    }

    /// The server has answered.
    pub fn answered(&mut self, key: &str, nack: Option<Option<u64>>) {
        if let Some(p) = self.by_key.get(key).and_then(|id| self.by_id.get_mut(id)) {
            p.in_flight = false;
            p.refused |= nack == Some(None);
        }
    }

    pub fn stored(&mut self, id: u32, at: (u64, u64), log: impl Fn(usize, u64, u64) -> bool) -> Verdict {
        let p = self.settle(id)?;
        check(log(p.ch, at.1, p.message), || format!("publication {id} is not in the log at {at:?}"))
    }

    /// A publication fails: the server rejected it, or there is another valid reason for this message.
    pub fn failed(&mut self, id: u32, rightly: impl Fn(u64) -> bool) -> Verdict {
        let p = self.settle(id)?;
        check(p.refused || rightly(p.message), || format!("publication {id} failed, but nobody refused it"))
    }

    fn settle(&mut self, id: u32) -> Result<&Publication, String> {
        check(self.unsettled.remove(&id), || format!("publication {id} is unknown, or settled twice"))?;
        self.by_id.get(&id).ok_or_else(|| "an unknown publication".to_owned())
    }
}

/// The id of the last message of a batch.
pub fn last_id_fits(batch: &Batch<Vec<u64>>, epoch: u64) -> bool {
    let last = batch.n + batch.count - 1;
    batch.payload.last().is_some_and(|&message| message_id(epoch, last, message) == batch.last_id)
}
