//! A stand-in for a server: a log with an epoch, a start and a head, which is replayed in frames of random size, as far
//! as the client's credit allows.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::Random;

/// What happens to the log.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// Another log is there.
    Replace,
    /// The last messages are gone.
    Rewind,
    /// The first messages are gone.
    Trim,
}

/// The one subscription.
struct Feed {
    ch: Value,
    reference: Value,
    sent: u64,
    credit: u64,
    is_live: bool,
}

/// See the module.
pub struct LogServer {
    pub epoch: String,
    first: u64,
    /// Payloads; the message at place `i` has the offset `i + 1`. Each is unique, and names its epoch.
    pub messages: Vec<String>,
    /// Where the log began, by epoch, whenever that changed.
    pub firsts: Vec<(String, u64)>,
    /// The last acknowledged position.
    pub acked: Option<(String, u64)>,
    feed: Option<Feed>,
    requests: VecDeque<Value>,
    frames: VecDeque<Value>,
    epochs: u64,
    count: u64,
}

impl Default for LogServer {
    fn default() -> Self {
        LogServer {
            epoch: "e0".to_owned(),
            first: 1,
            messages: Vec::new(),
            firsts: vec![("e0".to_owned(), 1)],
            acked: None,
            feed: None,
            requests: VecDeque::new(),
            frames: VecDeque::new(),
            epochs: 0,
            count: 0,
        }
    }
}

impl LogServer {
    pub fn head(&self) -> u64 {
        self.messages.len() as u64
    }

    pub fn is_live(&self) -> bool {
        let is_idle = self.requests.is_empty() && self.frames.is_empty();
        is_idle && self.feed.as_ref().is_some_and(|feed| feed.is_live)
    }

    pub fn publish(&mut self) {
        self.count += 1;
        self.messages.push(format!("{}/{}", self.epoch, self.count));
        if self.feed.as_ref().is_some_and(|feed| feed.is_live) {
            self.run(self.head(), self.head(), false);
        }
    }

    /// A new connection.
    pub fn connect(&mut self) {
        self.requests.clear();
        self.frames.clear();
    }

    /// The connection ends, and the log changes before there is another one.
    pub fn disconnect(&mut self, change: Option<Change>, rng: &mut Random) {
        self.feed = None;
        self.connect();
        match change {
            None => return,
            Some(Change::Replace) => {
                self.epochs += 1;
                (self.epoch, self.first) = (format!("e{}", self.epochs), 1);
                self.messages.clear();
            }
            Some(Change::Rewind) => {
                let head = (self.first - 1).max(self.head().saturating_sub(1 + rng.below(4)));
                self.messages.truncate(head as usize);
            }
            Some(Change::Trim) => self.first = (self.head() + 1).min(self.first + 1 + rng.below(4)),
        }
        self.firsts.push((self.epoch.clone(), self.first));
    }

    /// The client sent this.
    pub fn receive(&mut self, frame: &str) {
        self.requests.push_back(serde_json::from_str(frame).expect("it is JSON"));
    }

    /// Handles a request or replays a part, and sends one frame.
    pub fn next_frame(&mut self, rng: &mut Random) -> Option<String> {
        match self.requests.pop_front() {
            Some(request) => self.handle(&request),
            None => self.replay(rng),
        }
        self.frames.pop_front().map(|frame| frame.to_string())
    }

    fn handle(&mut self, request: &Value) {
        match request["op"].as_str() {
            Some("hello") => self.frames.push_back(
                json!({ "op": "welcome", "session": "s", "heartbeat_ms": 25_000, "max_frame_bytes": 65_536 }),
            ),
            Some("ping") => self.frames.push_back(json!({ "op": "pong" })),
            Some("sub") => self.subscribe(request),
            Some("unsub") => self.feed = None,
            Some("more") => {
                if let Some(feed) = &mut self.feed {
                    feed.credit += request["credit"].as_u64().expect("a number");
                }
            }
            Some("ack") => {
                let epoch = request["epoch"].as_str().expect("a text").to_owned();
                self.acked = Some((epoch, request["offset"].as_u64().expect("a number")));
            }
            other => panic!("an unexpected frame: {other:?}"),
        }
    }

    fn subscribe(&mut self, request: &Value) {
        let (first, head) = (self.first, self.head());
        let offset = request["position"]["offset"].as_u64();
        let is_here = request["position"]["epoch"] == *self.epoch;
        let at = match offset.filter(|_| is_here) {
            Some(offset) if (first - 1..=head).contains(&offset) => offset,
            Some(offset) if offset > head => head,
            _ if offset.is_none() && request["from"] != "start" => head,
            _ => first - 1,
        };
        let (ch, reference) = (request["ch"].clone(), request["ref"].clone());
        self.frames.push_back(
            json!({ "op": "subd", "ch": ch, "epoch": self.epoch, "first": first, "head": head, "at": at, "ref": reference }),
        );
        let credit = request["credit"].as_u64().expect("a number");
        self.feed = Some(Feed { ch, reference, sent: at, credit, is_live: false });
    }

    fn replay(&mut self, rng: &mut Random) {
        let head = self.head();
        let Some(feed) = self.feed.as_mut().filter(|feed| !feed.is_live) else { return };
        let (sent, count) = (feed.sent, (1 + rng.below(4)).min(head - feed.sent).min(feed.credit));
        feed.credit -= count;
        if sent + count == head {
            feed.is_live = true;
        }
        let live = json!({ "op": "live", "ch": feed.ch, "head": head, "ref": feed.reference });
        let is_live = feed.is_live;
        if count > 0 {
            self.run(sent + 1, sent + count, true);
        }
        if is_live {
            self.frames.push_back(live);
        }
    }

    fn run(&mut self, from: u64, to: u64, replay: bool) {
        let data = &self.messages[from as usize - 1..to as usize];
        let id = |text: &String| format!("{}-0", text.split('/').nth(1).unwrap_or_default());
        let ids: Vec<_> = data.iter().map(id).collect();
        let Some(feed) = &mut self.feed else { return };
        feed.sent = to;
        self.frames.push_back(
            json!({ "op": "msgs", "ch": feed.ch, "n": from, "ids": ids, "data": data, "replay": replay }),
        );
    }
}
