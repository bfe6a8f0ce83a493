//! Counts refusals by their reason, and logs them: at most one line for each reason in a while, however many
//! are refused.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::warn;

use super::Refusal;
use super::reason::Reason;
use crate::http::metrics::RefusalCounts;
use crate::limits::names;

/// The time from one line of a reason to the next.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Nothing about scarce file descriptors changes within seconds.
const DESCRIPTORS_LOG_INTERVAL: Duration = Duration::from_secs(60);
/// A line has at most this much of what was refused.
const MESSAGE_BYTES_MAX: usize = 300;

/// See the module.
pub struct Refusals {
    counts: RefusalCounts,
    // Plain mutexes: never held across an await.
    windows: Vec<Mutex<Window>>,
}

/// What is refused.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// What failed, the value, what to do.
    pub message: String,
    /// The token's `sub`, if the token is valid.
    pub user: Option<String>,
}

impl Refusals {
    /// Counts with these counters.
    pub fn new(counts: RefusalCounts) -> Arc<Self> {
        for reason in Reason::ALL {
            drop(counts.get_or_create(&[("reason", reason.name())])); // so that a first refusal shows as an increase
        }
        Arc::new(Refusals { counts, windows: Reason::ALL.iter().map(|_| Mutex::default()).collect() })
    }

    /// Counts and logs a refusal. Needs the runtime.
    pub fn record(self: &Arc<Self>, address: IpAddr, refused: Refused) {
        let Refused { reason, message, user } = refused;
        self.counts.get_or_create(&[("reason", reason.name())]).inc();
        let message = names::prefix(&message, MESSAGE_BYTES_MAX).to_owned();
        let user = user.map(names::truncated);
        if let Some(line) = self.window(reason, |window| window.refused(Line { address, user, message })) {
            line.log(reason, 0);
            tokio::spawn(self.clone().log_more(reason));
        }
    }

    /// Counts and logs what a user of an open socket is refused.
    pub fn record_of(self: &Arc<Self>, address: IpAddr, user: &str, refusal: &Refusal) {
        if let Some(reason) = refusal.reason() {
            let (message, user) = (refusal.message.clone(), Some(user.to_owned()));
            self.record(address, Refused { reason, message, user });
        }
    }

    /// Logs what is refused meanwhile, until nothing is.
    async fn log_more(self: Arc<Self>, reason: Reason) {
        loop {
            tokio::time::sleep(log_interval(reason)).await;
            let Some((line, more)) = self.window(reason, Window::ended) else { return };
            line.log(reason, more);
        }
    }

    fn window<T>(&self, reason: Reason, change: impl FnOnce(&mut Window) -> Option<T>) -> Option<T> {
        let window = self.windows.get(reason as usize)?;
        change(&mut window.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The time after a line, in which there is no other of the same reason.
#[derive(Default)]
struct Window {
    open: bool,
    /// The last refusal in it.
    last: Option<Line>,
    /// How many refusals there were before that one.
    more: u64,
}

impl Window {
    /// Returns the line if it is to be logged now.
    fn refused(&mut self, line: Line) -> Option<Line> {
        if !std::mem::replace(&mut self.open, true) {
            return Some(line);
        }
        self.more += u64::from(self.last.replace(line).is_some());
        None
    }

    /// The window has ended. Returns the last refusal in it and how many were not logged; then the next window begins.
    fn ended(&mut self) -> Option<(Line, u64)> {
        let last = self.last.take();
        self.open = last.is_some();
        last.map(|line| (line, std::mem::take(&mut self.more)))
    }
}

#[derive(Debug, PartialEq)]
struct Line {
    address: IpAddr,
    user: Option<String>,
    message: String,
}

impl Line {
    fn log(&self, reason: Reason, more: u64) {
        let Line { address, user, message } = self;
        let (reason, user) = (reason.name(), user.as_deref());
        match more {
            0 => warn!(reason, %address, user, "refused: {message}"),
            _ => {
                warn!(reason, %address, user, more, "refused: {message} ({more} more since the last such line)")
            }
        }
    }
}

fn log_interval(reason: Reason) -> Duration {
    match reason {
        Reason::Descriptors => DESCRIPTORS_LOG_INTERVAL,
        _ => LOG_INTERVAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(i: u8) -> Line {
        Line { address: [10, 0, 0, i].into(), user: None, message: String::new() }
    }

    #[test]
    fn a_window_has_one_line_and_a_count() {
        let mut window = Window::default();
        assert_eq!(window.refused(line(1)), Some(line(1)));
        for i in 2..=9 {
            assert_eq!(window.refused(line(i)), None);
        }
        assert_eq!(window.ended(), Some((line(9), 7)), "the last one, and those in between");
        assert_eq!(window.refused(line(10)), None, "the next window");
        assert_eq!(window.ended(), Some((line(10), 0)));
        assert_eq!(window.ended(), None);
        assert_eq!(window.refused(line(11)), Some(line(11)), "after a window without refusals");
    }
}
