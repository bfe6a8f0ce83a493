//! How long an answer may take: longer while much is on its way.
//!
//! A page does not see a frame before the whole of it is there, nor what of its own bytes has arrived. So a
//! `ping` behind them looks unanswered although the connection is well. What is known to be on its way gets
//! the time that it takes on the slowest link that this client works on.

use super::*;

/// The slowest link, in bytes a second.
const SLOWEST_LINK: u64 = 8_000;
/// No more time than this is given, in milliseconds, however much is on its way.
const TRANSFER_MS_MAX: u64 = 300_000;

impl<B, D: Clone> Session<B, D> {
    /// The server announces a frame of so many bytes.
    pub(super) fn announced(&mut self, bytes: u64) {
        if let Link::Open { incoming_until, .. } = &mut self.link {
            *incoming_until = until(self.now, bytes);
        }
    }

    /// What waits in the socket, in bytes. The driver reports this before [`Session::handle_timeout`] and
    /// [`Session::handle_wake`].
    pub fn set_buffered_bytes(&mut self, bytes: u64) {
        self.buffered_bytes = bytes;
    }

    /// How long what is on its way may take.
    pub(super) fn transfer_ms(&self) -> u64 {
        let down_ms = match self.link {
            Link::Open { incoming_until, .. } => incoming_until.ms_since(self.now),
            _ => 0,
        };
        let up_ms = transfer_ms(self.outbox.in_flight_bytes().max(self.buffered_bytes));
        let up_ms = up_ms.max(self.casts_until.ms_since(self.now));
        down_ms.saturating_add(up_ms).min(TRANSFER_MS_MAX)
    }

    /// Whether a deadline is late: the process was busy, and the answer may lie unread in the socket,
    /// because timers come before sockets in an event loop. Then it comes once more, after one turn of the loop.
    pub(super) fn is_to_look_first(&mut self, timer: Timer, at: Instant) -> bool {
        let late_ms = self.now.ms_since(at);
        let held_up = match timer {
            Timer::Connect => late_ms > 0,
            Timer::Heartbeat => late_ms > 0 && late_ms <= SLEPT_MS,
            _ => return false,
        };
        self.late = held_up && !self.late;
        if self.late {
            self.timers.set(timer, self.now.after_ms(1));
        }
        self.late
    }
}

/// Until when so many bytes may take that are sent after `start`.
pub(super) fn until(start: Instant, bytes: u64) -> Instant {
    start.after_ms(transfer_ms(bytes))
}

fn transfer_ms(bytes: u64) -> u64 {
    bytes.saturating_mul(1_000) / SLOWEST_LINK
}
