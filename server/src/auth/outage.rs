//! When to log that the authorisation service gives no answers, and that it does again: not for each question.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A service that fails now and then would fill the log otherwise.
const LOGGED_EVERY: Duration = Duration::from_secs(60);

/// What was logged about it.
#[derive(Default)]
pub struct Outage {
    logged: Mutex<Logged>,
}

#[derive(Default)]
struct Logged {
    failing: bool,
    at: Option<Instant>,
}

impl Outage {
    /// It gave no answer: whether to log that.
    pub fn begins(&self, now: Instant) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = logged.at.is_some_and(|at| now.saturating_duration_since(at) < LOGGED_EVERY);
        if logged.failing || lately {
            return false;
        }
        *logged = Logged { failing: true, at: Some(now) };
        true
    }

    /// It gave one: whether to log that it does again.
    pub fn ends(&self) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut logged.failing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_fails_every_second_time_is_logged_once_a_minute() {
        let (outage, start) = (Outage::default(), Instant::now());
        let mut lines = Vec::new();
        for s in 0..100 {
            if outage.begins(start + Duration::from_secs(s)) {
                lines.push((s, "fails"));
            }
            if outage.ends() {
                lines.push((s, "answers"));
            }
        }
        assert_eq!(lines, [(0, "fails"), (0, "answers"), (60, "fails"), (60, "answers")]);
    }

    #[test]
    fn one_that_is_down_is_logged_once() {
        let (outage, start) = (Outage::default(), Instant::now());
        let logged = (0..1000).filter(|s| outage.begins(start + Duration::from_secs(*s))).count();
        assert_eq!((logged, outage.ends(), outage.ends()), (1, true, false));
    }
}
