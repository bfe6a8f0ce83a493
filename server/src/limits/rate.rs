//! How fast someone may publish: a token bucket for each socket, and over HTTP one for each user, or, without tokens,
//! for each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// How many seconds' worth may be used at once, for a client that comes back with a full outbox.
const BURST_S: f64 = 5.0;
/// How much of a second a refused client waits at the least: a few publications then go together.
const RETRY_MS_MIN: f64 = 100.0;

/// So many buckets are kept before those that are full again are forgotten: they are as good as new ones.
const KEPT_MAX: usize = 1024;

/// One bucket.
pub struct Pace {
    per_second: f64,
    left: f64,
    at: Instant,
}

impl Pace {
    /// 0 is no limit.
    pub fn new(per_second: u64, now: Instant) -> Self {
        let per_second = per_second as f64;
        Pace { per_second, left: per_second * BURST_S, at: now }
    }

    /// Takes one; or says in how many milliseconds there will be one.
    pub fn take(&mut self, now: Instant) -> Result<(), u64> {
        if self.per_second == 0.0 {
            return Ok(());
        }
        self.left = self.left_at(now);
        self.at = now;
        if self.left < 1.0 {
            let wait_ms = (1.0 - self.left) / self.per_second * 1000.0;
            return Err(wait_ms.max(RETRY_MS_MIN).ceil() as u64);
        }
        self.left -= 1.0;
        Ok(())
    }

    fn is_full(&self, now: Instant) -> bool {
        self.left_at(now) >= self.per_second * BURST_S
    }

    fn left_at(&self, now: Instant) -> f64 {
        let gained = now.duration_since(self.at).as_secs_f64() * self.per_second;
        (self.left + gained).min(self.per_second * BURST_S)
    }
}

/// Whose requests are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// A token's user.
    User(String),
    /// Whoever comes from there.
    Address(IpAddr),
}

/// A bucket for each who publishes over HTTP.
pub struct Paces {
    per_second: u64,
    // A plain mutex: held for a lookup, never across an await.
    kept: Mutex<Kept>,
}

struct Kept {
    paces: HashMap<Who, Pace>,
    max: usize,
}

impl Paces {
    /// 0 is no limit.
    pub fn new(per_second: u64) -> Self {
        Paces { per_second, kept: Mutex::new(Kept { paces: HashMap::new(), max: KEPT_MAX }) }
    }

    /// As [`Pace::take`].
    pub fn take(&self, who: Who, now: Instant) -> Result<(), u64> {
        if self.per_second == 0 {
            return Ok(());
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.paces.len() >= kept.max {
            kept.paces.retain(|_, pace| !pace.is_full(now));
            kept.max = KEPT_MAX.max(2 * kept.paces.len()); // not over all of them each time
        }
        kept.paces.entry(who).or_insert_with(|| Pace::new(self.per_second, now)).take(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let start = Instant::now();
        let mut pace = Pace::new(10, start);
        assert!((0..50).all(|_| pace.take(start).is_ok()));
        assert_eq!(pace.take(start), Err(100));
        assert_eq!(pace.take(start + Duration::from_millis(99)), Err(100));
        assert_eq!(pace.take(start + Duration::from_millis(101)), Ok(()));
        // An hour of silence is worth one burst.
        let later = start + Duration::from_secs(3600);
        assert!((0..50).all(|_| pace.take(later).is_ok()) && pace.take(later).is_err());
        let mut slow = Pace::new(1, start);
        assert_eq!((0..6).map(|_| slow.take(start)).last(), Some(Err(1000)));
        let mut free = Pace::new(0, start);
        assert!((0..10_000).all(|_| free.take(start).is_ok()));
    }

    #[test]
    fn everyone_has_a_bucket_and_full_ones_are_forgotten() {
        let start = Instant::now();
        let paces = Paces::new(1);
        let ada = || Who::User("ada".into());
        assert!((0..5).all(|_| paces.take(ada(), start).is_ok()) && paces.take(ada(), start).is_err());
        assert!(paces.take(Who::User("bob".into()), start).is_ok());
        let kept = || paces.kept.lock().unwrap().paces.len();
        for i in 0..10_000u32 {
            // Each of them has its second back when 1000 others have come.
            let now = start + Duration::from_millis(u64::from(i));
            assert!(paces.take(Who::Address(std::net::Ipv4Addr::from(i).into()), now).is_ok());
            assert!(kept() <= 2 * KEPT_MAX + 2, "{}", kept());
        }
        assert!((0..10_000).all(|_| Paces::new(0).take(ada(), start).is_ok()));
    }
}
