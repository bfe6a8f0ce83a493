//! Whether the connection is alive: received frames, and pings.

use super::Session;
use crate::core::heartbeat::{Beat, Heartbeat, SLEPT_MS};
use crate::core::sum::sum;
use crate::core::timer::Timer;
use crate::core::{Instant, Reason, ReasonCode, SocketId};
use crate::wire::{ClientFrame, close, known};

impl<B, D: Clone> Session<B, D> {
    /// Whether something came from the open connection; then that is alive.
    pub(super) fn heard(&mut self, from: SocketId) -> bool {
        let Some(open) = self.link.open_mut().filter(|open| open.socket == from) else { return false };
        // While no ping is unanswered, the timer may fire early and check again. So there is nothing to do
        // per frame.
        if matches!(open.heartbeat, Heartbeat::Asked { .. }) {
            self.timers.set(Timer::Heartbeat, self.now.after_ms(open.heartbeat_ms));
        }
        open.heartbeat = Heartbeat::Heard(self.now);
        open.in_transit.arrived(self.now);
        self.reconnect.heard();
        true
    }

    /// The heartbeat timer, which was set to `due_at`, has fired.
    pub(super) fn heartbeat(&mut self, due_at: Instant) {
        // A deadline that is missed by far means that the page slept. It is the most reliable evidence.
        if self.now.ms_since(due_at) > SLEPT_MS {
            return self.probe();
        }
        let timeout_ms = sum(self.config.pong_timeout_ms, self.transfer_ms());
        let Some(open) = self.link.open_mut() else { return };
        let beat = open.heartbeat.beat(self.now, open.heartbeat_ms, timeout_ms);
        self.act_on(beat);
    }

    /// The page woke up: pings the connection with a short deadline.
    pub(super) fn probe(&mut self) {
        let timeout_ms = sum(self.config.probe_timeout_ms, self.transfer_ms());
        let Some(open) = self.link.open_mut() else { return };
        let beat = open.heartbeat.probe(self.now, timeout_ms);
        self.reconnect.probed();
        self.act_on(beat);
    }

    fn act_on(&mut self, beat: Beat) {
        match beat {
            Beat::Later(at) => self.timers.set(Timer::Heartbeat, at),
            Beat::Ask(deadline) => {
                self.timers.set(Timer::Heartbeat, deadline);
                self.send(ClientFrame::Ping);
            }
            Beat::Dead => {
                self.disconnect(close::NORMAL);
                let message = known!("the server did not answer a ping");
                self.schedule_reconnect(Reason::local(ReasonCode::HeartbeatTimeout, message));
            }
        }
    }
}
