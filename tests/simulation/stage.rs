//! What all actors share: the virtual clock, the queue of events, the randomness, the trace.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::faults::Faults;
use crate::rng::Rng;
use crate::trace::Trace;

/// Something that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ev {
    /// The next item of a pipe arrives.
    Arrive {
        conn: usize,
        to_server: bool,
    },
    /// A connection is established.
    Opened {
        conn: usize,
    },
    /// The server gives up a connection that it has not heard of.
    GiveUp {
        conn: usize,
    },
    /// The proxy checks whether a connection is silent.
    IdleCheck {
        conn: usize,
    },
    /// A subscription's next step at the server.
    Feed {
        conn: usize,
        ch: usize,
        no: u64,
    },
    /// Another client publishes.
    Append {
        ch: usize,
    },
    ServerUp,
    /// The end of a drain.
    ServerDown,
    /// A page's timer fires.
    Timer {
        client: usize,
        armed: u64,
    },
    /// An application continues its work.
    Work {
        client: usize,
    },
    /// An application publishes.
    Publish {
        client: usize,
    },
    /// A token function answers.
    Token {
        client: usize,
        page: u64,
        fetch: u64,
    },
    /// A user reopens a page whose session the server has ended.
    Reload {
        client: usize,
        page: u64,
    },
    /// A frozen page continues.
    Thaw {
        client: usize,
    },
    /// Time to inject faults.
    InjectFaults,
}

pub struct Stage {
    pub now: u64,
    pub rng: Rng,
    pub faults: Faults,
    pub trace: Trace,
    pub events: u64,
    /// The first promise that was broken.
    pub broken: Option<String>,
    /// How far each client has received each channel: (epoch, offset).
    pub positions: Vec<Vec<Option<(u64, u64)>>>,
    /// How far its application has processed it, which is where its next page would begin.
    pub places: Vec<Vec<Option<(u64, u64)>>>,
    /// Where each client has subscribed a second time, perhaps for missing messages.
    pub asked_again: Vec<Vec<Option<(u64, u64)>>>,
    queue: BinaryHeap<Reverse<(u64, u64, Ev)>>,
    scheduled: u64,
}

impl Stage {
    /// With these faults, or else with those that the seed draws.
    pub fn new(seed: u64, faults: Option<Faults>, readable: bool) -> Self {
        let mut rng = Rng::new(seed);
        let drawn = Faults::draw(&mut rng);
        let faults = faults.unwrap_or(drawn);
        let positions = vec![vec![None; faults.channels as usize]; faults.clients as usize];
        Stage {
            now: 0,
            rng,
            faults,
            trace: Trace::new(readable),
            events: 0,
            broken: None,
            places: positions.clone(),
            asked_again: positions.clone(),
            positions,
            queue: BinaryHeap::new(),
            scheduled: 0,
        }
    }

    pub fn after(&mut self, ms: u64, ev: Ev) {
        self.at(self.now + ms, ev);
    }

    pub fn at(&mut self, at_ms: u64, ev: Ev) {
        self.scheduled += 1; // what is due at the same moment happens in the order of scheduling
        self.queue.push(Reverse((at_ms.max(self.now), self.scheduled, ev)));
    }

    /// Takes the next event and moves the clock to it.
    pub fn next(&mut self, until_ms: u64) -> Option<Ev> {
        if self.queue.peek()?.0.0 > until_ms {
            return None;
        }
        let Reverse((at_ms, _, ev)) = self.queue.pop()?;
        self.now = at_ms;
        self.events += 1;
        Some(ev)
    }

    pub fn note(&mut self, what: &'static str, numbers: &[u64]) {
        self.trace.note(self.now, what, numbers);
    }

    /// A promise is broken.
    pub fn fail(&mut self, what: impl FnOnce() -> String) {
        if self.broken.is_none() {
            self.broken = Some(what());
        }
    }

    /// Fails unless `holds`.
    pub fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.fail(what);
        }
    }
}
