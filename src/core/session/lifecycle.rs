//! The page's lifecycle events: wake, hide, suspend.

use super::Session;
use super::link::Link;
use crate::core::Instant;
use crate::core::timer::Timer;

impl<B, D: Clone> Session<B, D> {
    /// The page became visible, came online, was resumed or left the back/forward cache. A connection that
    /// looks healthy is pinged with a short deadline. A waiting client connects now. An attempt that began a
    /// while ago is restarted.
    pub fn handle_wake(&mut self, now: Instant) {
        self.advance(now);
        match self.link {
            Link::Open(_) => self.probe(),
            Link::Waiting => self.retry_immediately(),
            Link::Opening(_) | Link::Greeting { .. } if self.reconnect.try_restart(self.now) => {
                self.connect_timeout();
                self.retry_immediately();
            }
            Link::Idle | Link::AwaitingToken | Link::Opening(_) | Link::Greeting { .. } | Link::Closed => {}
        }
    }

    /// Starts the next attempt at the earliest moment that a wake event may. All events of one wake share one
    /// attempt.
    fn retry_immediately(&mut self) {
        self.timers.set_earlier(Timer::Retry, self.reconnect.earliest(self.now));
        self.handle_timeout(self.now);
    }

    /// The page may end soon: acknowledges processed messages now.
    pub fn handle_hide(&mut self, now: Instant) {
        self.advance(now);
        self.acknowledge();
    }

    /// The page goes into the back/forward cache, where nothing runs and an open socket would keep it out. The
    /// socket is closed after a last acknowledgement, and no timer is left. The next wake event connects.
    pub fn handle_suspend(&mut self, now: Instant) {
        self.handle_hide(now);
        if !matches!(self.link, Link::Idle | Link::Closed) {
            self.suspend();
        }
    }
}
