//! One subscription at the server: it sends `subd`, replays by credit, sends `live`, and streams. What it sends
//! may overlap, arrive twice, or have a hole.

use std::collections::VecDeque;

use seamline::core::Batch;
use seamline::wire::{Position, ServerFrame, StartAt};

use crate::log::{channel_name, epoch_name, epoch_number, message_id};
use crate::network::{Network, ToClient};
use crate::server::Server;
use crate::stage::{Ev, Stage};

/// How many messages a node may lag behind.
const LAG_MAX: u64 = 20;

/// The state of a subscription at the server.
pub enum Step {
    /// Registered with the live stream, and about to send `subd`.
    Announce,
    Replay,
    /// The replay has ended at the head that it read, and the server is about to send `live`.
    Met,
    Live,
}

/// A subscription, at the server.
pub struct Feed {
    pub conn: usize,
    pub client: usize,
    pub ch: usize,
    /// How many subscriptions the channel had on this connection.
    pub no: u64,
    pub step: Step,
    pub asked: Option<Position>,
    pub from: Option<StartAt>,
    pub reference: Option<u64>,
    /// How many replayed messages the client accepts.
    pub granted: u64,
    /// How many were sent.
    pub used: u64,
    /// Before `live`, so many may be sent whatever was granted.
    pub ahead: u64,
    /// The head that its reads of the log return, slightly late. Newer messages are in its queue.
    pub head: u64,
    /// The last offset that was sent.
    pub sent: u64,
    /// What was published since it registered: (offset, message).
    pub queue: VecDeque<(u64, u64)>,
    /// Whether its next step is scheduled.
    pub awake: bool,
}

impl Feed {
    pub fn new(conn: usize, client: usize, ch: usize) -> Self {
        Feed {
            conn,
            client,
            ch,
            no: 0,
            step: Step::Announce,
            asked: None,
            from: None,
            reference: None,
            granted: 0,
            used: 0,
            ahead: 0,
            head: 0,
            sent: 0,
            queue: VecDeque::new(),
            awake: false,
        }
    }

    /// How many replayed messages may be sent.
    fn credit(&self) -> u64 {
        self.granted.max(self.ahead).saturating_sub(self.used)
    }
}

impl Server {
    /// A subscription's next step.
    pub fn step(&mut self, conn: usize, ch: usize, no: u64, net: &mut Network, stage: &mut Stage) {
        let Some(mut feed) = self.peers.get_mut(&conn).and_then(|peer| peer.feeds.remove(&ch)) else {
            return;
        };
        if feed.no == no {
            feed.awake = false;
            let again = match feed.step {
                Step::Announce => self.announce(&mut feed, net, stage),
                Step::Replay => self.replay(&mut feed, net, stage),
                Step::Met => self.meet(&mut feed, net, stage),
                Step::Live => self.stream(&mut feed, net, stage),
            };
            if again {
                feed.awake = true;
                let delay_ms = stage.rng.below(stage.faults.page_delay_ms_max);
                stage.after(delay_ms, Ev::Feed { conn, ch, no });
            }
        }
        self.peers.entry(conn).or_default().feeds.insert(ch, feed);
    }

    /// Sends where the replay begins.
    fn announce(&mut self, feed: &mut Feed, net: &mut Network, stage: &mut Stage) -> bool {
        let log = &self.logs[feed.ch];
        // A stuck node stores the start point that it reports, not the end of the log.
        let began = (log.epoch(), log.now().readable().max(log.now().trimmed));
        let stored = match (&feed.asked, feed.from) {
            (None, None) => self.resume(feed.conn, feed.ch, began),
            _ => None,
        };
        let log = &self.logs[feed.ch];
        let (number, epoch) = (log.epoch(), log.now());
        let begins = feed.asked.as_ref().map(|p| (epoch_number(&p.epoch), p.offset)).or(stored);
        let sent = self.peers.get(&feed.conn).and_then(|peer| peer.sent.get(&feed.ch).copied());
        let known = [begins, sent].into_iter().flatten().filter(|at| at.0 == number).map(|at| at.1).max();
        let known = known.unwrap_or(0);
        // A stuck node trusts a client that knows more than it does, and has what it sent itself.
        let oldest = epoch.trimmed;
        let head = epoch.readable().max(known.min(epoch.head())).max(oldest);
        let after =
            |(at_epoch, at): (u64, u64)| if at_epoch == number { at.clamp(oldest, head) } else { oldest };
        let (at, at_epoch) = match (&feed.asked, feed.from) {
            (Some(p), _) => (after((epoch_number(&p.epoch), p.offset)), None),
            (None, Some(StartAt::Start)) => (oldest, None),
            (None, Some(StartAt::Tail)) => (head, None),
            (None, None) => match stored {
                Some((at_epoch, at)) => (at, (at_epoch != number).then(|| epoch_name(at_epoch))),
                None => (head, None),
            },
        };
        // A node that lags reports what it knows. The rest reaches it, and its clients, as live messages.
        let first_word = feed.no == 1 && feed.reference.is_some();
        let lags = first_word && stage.rng.chance(stage.faults.node_lags);
        let lag = if lags { stage.rng.below(LAG_MAX) } else { 0 };
        let head = head.saturating_sub(lag).max(oldest).max(at.min(head));
        for late in epoch.after(head).into_iter().rev() {
            feed.queue.push_front(late);
        }
        feed.head = head;
        feed.sent = stored.map_or(at, after);
        if stage.rng.chance(stage.faults.replay_everything) {
            feed.sent = 0;
        } else if stage.rng.chance(stage.faults.replay_overlap) {
            feed.sent = feed.sent.saturating_sub(stage.rng.below(20));
        }
        feed.step = Step::Replay;
        let (ch, epoch) = (channel_name(feed.ch), epoch_name(number));
        let (first, reference) = (oldest + 1, feed.reference.take());
        if feed.asked.is_none() && feed.from.is_some() {
            self.begin(feed.conn, feed.ch, (number, at));
        }
        let frame = ServerFrame::Subd { ch, epoch, first, head, at, at_epoch, reference, resumed: false };
        net.carry_to_client(feed.conn, ToClient::Frame(frame), stage);
        true
    }

    /// Sends a page.
    fn replay(&mut self, feed: &mut Feed, net: &mut Network, stage: &mut Stage) -> bool {
        if stage.faults.interleave {
            self.flush(feed, net, stage);
        }
        let count_max = feed.credit().min(stage.faults.page_messages_max);
        let (n, mut messages) = self.logs[feed.ch].now().page(feed.sent, count_max);
        messages.truncate((feed.head + 1).saturating_sub(n) as usize);
        let count = messages.len() as u64;
        if count > 0 {
            feed.sent = n + count - 1;
            feed.used += self.send(feed, n, messages, true, net, stage);
        }
        if feed.sent >= feed.head || n > feed.head {
            feed.sent = feed.sent.max(feed.head);
            feed.step = Step::Met;
            return true;
        }
        feed.head = feed.head.max(self.logs[feed.ch].now().readable());
        feed.credit() > 0
    }

    /// Sends `live`. Some messages that were published since the last page may have been sent before it.
    fn meet(&mut self, feed: &mut Feed, net: &mut Network, stage: &mut Stage) -> bool {
        if stage.faults.interleave {
            self.flush(feed, net, stage);
        }
        let frame = ServerFrame::Live { ch: channel_name(feed.ch), head: feed.sent, reference: None };
        net.carry_to_client(feed.conn, ToClient::Frame(frame), stage);
        feed.step = Step::Live;
        feed.ahead = 0;
        !feed.queue.is_empty()
    }

    /// Sends new messages, or falls back to the log if there are too many.
    fn stream(&mut self, feed: &mut Feed, net: &mut Network, stage: &mut Stage) -> bool {
        if feed.queue.len() as u64 > stage.faults.live_queue_max {
            feed.queue.clear(); // too slow for the live stream: falls back to the log
            feed.head = feed.sent.max(self.logs[feed.ch].now().readable());
            feed.step = Step::Replay;
            return true;
        }
        self.flush(feed, net, stage);
        false
    }

    /// Sends what waits in the live queue, in contiguous runs.
    fn flush(&mut self, feed: &mut Feed, net: &mut Network, stage: &mut Stage) {
        while let Some((n, message)) = feed.queue.pop_front() {
            let mut messages = vec![message];
            let run_max = stage.rng.between(1, 30);
            while (messages.len() as u64) < run_max
                && let Some(&(next, message)) = feed.queue.front()
                && next == n + messages.len() as u64
            {
                feed.queue.pop_front();
                messages.push(message);
            }
            if matches!(feed.step, Step::Live) {
                feed.sent = feed.sent.max(n + messages.len() as u64 - 1);
            }
            self.send(feed, n, messages, false, net, stage);
        }
    }

    /// Sends a frame of messages; or not, or twice, or without its beginning. Returns how many it sent,
    /// not counting twice.
    fn send(
        &mut self,
        feed: &Feed,
        mut n: u64,
        mut messages: Vec<u64>,
        replay: bool,
        net: &mut Network,
        stage: &mut Stage,
    ) -> u64 {
        let &Feed { conn, client, ch, .. } = feed;
        let number = self.logs[ch].epoch();
        if stage.rng.chance(stage.faults.skip_messages) && self.may_skip(client, ch, number, stage) {
            let count = stage.rng.between(1, messages.len() as u64);
            self.skipped.insert((client, ch), (number, n + count - 1));
            stage
                .note("server skips for client, channel, from, count", &[client as u64, ch as u64, n, count]);
            n += count;
            messages.drain(..count as usize);
            if messages.is_empty() {
                return 0;
            }
        }
        let count = messages.len() as u64;
        let sent = self.peers.entry(conn).or_default().sent.entry(ch).or_default();
        *sent = (number, n + count - 1).max(*sent);
        let last_id = message_id(number, n + count - 1, messages[count as usize - 1]);
        let batch =
            Batch { n, count, last_id, replay, bytes: stage.faults.message_bytes * count, payload: messages };
        if !replay && stage.rng.chance(stage.faults.duplicate) {
            net.carry_to_client(conn, ToClient::Msgs { ch, batch: batch.clone() }, stage);
        }
        net.carry_to_client(conn, ToClient::Msgs { ch, batch }, stage);
        count
    }

    /// Messages that were skipped once must be sent when they are requested again.
    fn may_skip(&self, client: usize, ch: usize, number: u64, stage: &Stage) -> bool {
        let at = stage.positions[client][ch];
        if at.is_none() || at == stage.asked_again[client][ch] {
            return false;
        }
        let past = |skipped: &(u64, u64)| skipped.0 != number || at.is_some_and(|at| at >= *skipped);
        self.skipped.get(&(client, ch)).is_none_or(past)
    }
}
