//! How long an answer may take: longer while much is in transit.
//!
//! A page does not see a frame before all of it has arrived, and does not know how many of its own bytes have
//! arrived. So a `ping` behind them looks unanswered although the connection is fine. Data known to be in
//! transit gets the time that it takes on the slowest link that this client supports.

use super::Session;
use crate::core::Instant;
use crate::core::heartbeat::SLEPT_MS;
use crate::core::sum::sum;
use crate::core::timer::Timer;

/// The slowest link, in bytes per millisecond.
const SLOWEST_LINK: u64 = 8;
/// The maximum time, however much is in transit.
const TRANSFER_MS_MAX: u64 = 300_000;

/// What is in transit on a connection, as far as this client knows.
#[derive(Debug)]
pub(super) struct InTransit {
    /// What waits in the socket, as the driver last reported.
    buffered_bytes: u64,
    /// The deadline of the ephemeral events that were sent.
    casts_until: Instant,
    /// The deadline of the large frame that the server has announced.
    incoming_until: Instant,
}

impl InTransit {
    /// Nothing.
    pub fn new(now: Instant) -> Self {
        InTransit { buffered_bytes: 0, casts_until: now, incoming_until: now }
    }

    /// An ephemeral event of this size was sent.
    pub fn cast(&mut self, now: Instant, bytes: u64) {
        self.casts_until = self.casts_until.max(now).after_ms(transfer_ms(bytes));
    }

    /// The server has answered a ping: everything that was sent before has arrived.
    pub fn answered(&mut self, now: Instant) {
        self.casts_until = now;
    }

    /// The server announced a frame of this size.
    pub fn announced(&mut self, now: Instant, bytes: u64) {
        self.incoming_until = now.after_ms(transfer_ms(bytes));
    }

    /// A frame has arrived.
    pub fn arrived(&mut self, now: Instant) {
        self.incoming_until = now;
    }

    /// Whether ephemeral events may be in transit.
    pub fn has_casts(&self, now: Instant) -> bool {
        self.casts_until > now
    }

    /// How long everything in transit may take. `unanswered_bytes`: publications that wait for their answers.
    fn ms(&self, now: Instant, unanswered_bytes: u64) -> u64 {
        let down_ms = self.incoming_until.ms_since(now);
        let up_ms = transfer_ms(unanswered_bytes.max(self.buffered_bytes));
        let up_ms = up_ms.max(self.casts_until.ms_since(now));
        sum(down_ms, up_ms).min(TRANSFER_MS_MAX)
    }
}

impl<B, D: Clone> Session<B, D> {
    /// What waits in the socket, in bytes. The driver reports this before [`Session::handle_timeout`] and
    /// [`Session::handle_wake`].
    pub fn set_buffered_bytes(&mut self, bytes: u64) {
        if let Some(open) = self.link.open_mut() {
            open.in_transit.buffered_bytes = bytes;
        }
    }

    /// How long the data in transit may take.
    pub(super) fn transfer_ms(&self) -> u64 {
        let unanswered_bytes = self.outbox.in_flight_bytes();
        self.link.open().map_or(0, |open| open.in_transit.ms(self.now, unanswered_bytes))
    }

    /// Whether a deadline fired late and gets one more turn of the event loop. The process was busy, and the
    /// answer may be unread in the socket, because an event loop runs timers before sockets. So may a close, for
    /// which a publication that is sent now would be blamed.
    pub(super) fn postpones(&mut self, timer: Timer, due_at: Instant) -> bool {
        let late_ms = self.now.ms_since(due_at);
        let is_late = match timer {
            Timer::Connect | Timer::Outbox => late_ms > 0,
            Timer::Heartbeat => late_ms > 0 && late_ms <= SLEPT_MS,
            _ => return false,
        };
        self.timers.postpone(timer, self.now.after_ms(1), is_late)
    }
}

fn transfer_ms(bytes: u64) -> u64 {
    bytes / SLOWEST_LINK
}
