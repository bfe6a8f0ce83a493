//! Rate limits for publications: a token bucket per connection, and over HTTP one per user, or, without tokens, one
//! per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many seconds' worth may be used at once, for a client that reconnects with a full outbox.
const BURST_S: f64 = 5.0;
/// How long a refused client waits at least: a few publications then go together.
const WAIT_MS_MIN: f64 = 100.0;

/// How many buckets are kept before the full ones are discarded. A full bucket is as good as a new one.
const BUCKETS_MAX: usize = 1024;

/// One token bucket.
pub struct RateLimit {
    per_second: f64,
    tokens: f64,
    updated: Instant,
}

impl RateLimit {
    /// A full bucket. 0 is no limit.
    pub fn new(per_second: u64, now: Instant) -> Self {
        let per_second = per_second as f64;
        RateLimit { per_second, tokens: per_second * BURST_S, updated: now }
    }

    /// Takes a token. Where there is none, returns how long to wait for one.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        if self.per_second == 0.0 {
            return Ok(());
        }
        self.tokens = self.tokens_at(now);
        self.updated = now;
        if self.tokens < 1.0 {
            let wait_ms = (1.0 - self.tokens) / self.per_second * 1000.0;
            return Err(Duration::from_millis(wait_ms.max(WAIT_MS_MIN).ceil() as u64));
        }
        self.tokens -= 1.0;
        Ok(())
    }

    fn is_full(&self, now: Instant) -> bool {
        self.tokens_at(now) >= self.per_second * BURST_S
    }

    fn tokens_at(&self, now: Instant) -> f64 {
        let gained = now.duration_since(self.updated).as_secs_f64() * self.per_second;
        (self.tokens + gained).min(self.per_second * BURST_S)
    }
}

/// Whose requests share a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RateLimitKey {
    /// Those of a token's user.
    User(String),
    /// Those from an address.
    Address(IpAddr),
}

/// The buckets of everyone who publishes over HTTP.
pub struct RateLimits {
    per_second: u64,
    // A plain mutex: held for a lookup, never across an await.
    buckets: Mutex<Buckets>,
}

struct Buckets {
    by_key: HashMap<RateLimitKey, RateLimit>,
    max: usize,
}

impl RateLimits {
    /// 0 is no limit.
    pub fn new(per_second: u64) -> Self {
        RateLimits { per_second, buckets: Mutex::new(Buckets { by_key: HashMap::new(), max: BUCKETS_MAX }) }
    }

    /// Like [`RateLimit::take`].
    pub fn take(&self, key: RateLimitKey, now: Instant) -> Result<(), Duration> {
        if self.per_second == 0 {
            return Ok(());
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.by_key.len() >= buckets.max {
            buckets.by_key.retain(|_, bucket| !bucket.is_full(now));
            buckets.max = BUCKETS_MAX.max(2 * buckets.by_key.len()); // so that few calls go through all of them
        }
        buckets.by_key.entry(key).or_insert_with(|| RateLimit::new(self.per_second, now)).take(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let ms = Duration::from_millis;
        let start = Instant::now();
        let mut limit = RateLimit::new(10, start);
        assert!((0..50).all(|_| limit.take(start).is_ok()));
        assert_eq!(limit.take(start), Err(ms(100)));
        assert_eq!(limit.take(start + ms(99)), Err(ms(100)));
        assert_eq!(limit.take(start + ms(101)), Ok(()));
        // An hour of silence is worth one burst.
        let later = start + Duration::from_secs(3600);
        assert!((0..50).all(|_| limit.take(later).is_ok()) && limit.take(later).is_err());
        let mut slow = RateLimit::new(1, start);
        assert_eq!((0..6).map(|_| slow.take(start)).last(), Some(Err(ms(1000))));
        let mut unlimited = RateLimit::new(0, start);
        assert!((0..10_000).all(|_| unlimited.take(start).is_ok()));
    }

    #[test]
    fn each_key_has_a_bucket_and_full_ones_are_discarded() {
        let start = Instant::now();
        let limits = RateLimits::new(1);
        let ada = || RateLimitKey::User("ada".into());
        assert!((0..5).all(|_| limits.take(ada(), start).is_ok()) && limits.take(ada(), start).is_err());
        assert!(limits.take(RateLimitKey::User("bob".into()), start).is_ok());
        let buckets = || limits.buckets.lock().unwrap().by_key.len();
        for i in 0..10_000u32 {
            // Each bucket is full again after 1000 others.
            let now = start + Duration::from_millis(u64::from(i));
            let address = std::net::Ipv4Addr::from(i).into();
            assert!(limits.take(RateLimitKey::Address(address), now).is_ok());
            assert!(buckets() <= 2 * BUCKETS_MAX + 2, "{}", buckets());
        }
        assert!((0..10_000).all(|_| RateLimits::new(0).take(ada(), start).is_ok()));
    }
}
