//! When to log that a service gives no answers, and that it answers again: not for each question.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A service that fails now and then would fill the logs otherwise.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// What was logged about it.
#[derive(Default)]
pub struct OutageLog {
    logged: Mutex<Logged>,
}

#[derive(Default)]
struct Logged {
    failing: bool,
    at: Option<Instant>,
}

impl OutageLog {
    /// Notes that there was no answer. Returns whether to log that.
    pub fn failed(&self, now: Instant) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let recently = logged.at.is_some_and(|at| now.saturating_duration_since(at) < LOG_INTERVAL);
        if logged.failing || recently {
            return false;
        }
        *logged = Logged { failing: true, at: Some(now) };
        true
    }

    /// Notes that there was an answer. Returns whether to log that.
    pub fn answered(&self) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut logged.failing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_failures_are_logged_once_a_minute() {
        let (outage, start) = (OutageLog::default(), Instant::now());
        let mut lines = Vec::new();
        for s in 0..100 {
            if outage.failed(start + Duration::from_secs(s)) {
                lines.push((s, "fails"));
            }
            if outage.answered() {
                lines.push((s, "answers"));
            }
        }
        assert_eq!(lines, [(0, "fails"), (0, "answers"), (60, "fails"), (60, "answers")]);
    }

    #[test]
    fn an_outage_is_logged_once() {
        let (outage, start) = (OutageLog::default(), Instant::now());
        let logged = (0..1000).filter(|s| outage.failed(start + Duration::from_secs(*s))).count();
        assert_eq!((logged, outage.answered(), outage.answered()), (1, true, false));
    }
}
