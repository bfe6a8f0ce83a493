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

/// A large frame that the server has announced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming {
    bytes: u64,
    at: Instant,
}

impl<B, D: Clone> Session<B, D> {
    /// The server announces a frame of so many bytes.
    pub(super) fn announced(&mut self, bytes: u64) {
        if let Link::Open { incoming, .. } = &mut self.link {
            *incoming = Some(Incoming { bytes, at: self.now });
        }
    }

    /// What waits in the socket, in bytes. Said by the driver before [`Session::handle_timeout`].
    pub fn set_buffered_bytes(&mut self, bytes: u64) {
        self.buffered_bytes = bytes;
    }

    /// How long what is on its way may take.
    pub(super) fn transfer_ms(&self) -> u64 {
        let down = match self.link {
            Link::Open { incoming: Some(Incoming { bytes, at }), .. } => {
                transfer_ms(bytes).saturating_sub(self.now.ms_since(at))
            }
            _ => 0,
        };
        let up = self.outbox.in_flight_bytes().saturating_add(self.cast_bytes).max(self.buffered_bytes);
        down.saturating_add(transfer_ms(up)).min(TRANSFER_MS_MAX)
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

fn transfer_ms(bytes: u64) -> u64 {
    bytes.saturating_mul(1_000) / SLOWEST_LINK
}
