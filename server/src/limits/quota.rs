//! Counting up to a limit, by address or by user.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many each has. Who has none is forgotten.
#[derive(Debug)]
pub struct Counts<K>(HashMap<K, u64>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Counts(HashMap::new())
    }
}

impl<K: Eq + Hash> Counts<K> {
    /// One more, unless that would be more than `max` (0: no limit).
    #[must_use]
    pub fn up(&mut self, key: K, max: u64) -> bool {
        let count = self.0.entry(key).or_default();
        if max > 0 && *count >= max {
            return false; // not zero, so the entry was there before
        }
        *count += 1;
        true
    }

    /// One less.
    pub fn down(&mut self, key: &K) {
        if let Some(count) = self.0.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(key);
            }
        }
    }
}

/// The TCP connections of each address that are no WebSockets, or not yet: each holds a file descriptor.
pub struct PerAddress {
    max: u64,
    // A plain mutex: held for a lookup, never across an await.
    counts: Mutex<Counts<IpAddr>>,
}

/// A connection's place; dropping it gives it up.
pub struct Place {
    ip: IpAddr,
    of: Arc<PerAddress>,
}

impl PerAddress {
    /// 0 is no limit.
    pub fn new(max: u64) -> Arc<Self> {
        Arc::new(PerAddress { max, counts: Mutex::default() })
    }

    /// Nothing, if the address has as many as it may have.
    pub fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<Place> {
        self.lock().up(ip, self.max).then(|| Place { ip, of: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, Counts<IpAddr>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.of.lock().down(&self.ip);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_so_many_and_who_has_none_is_forgotten() {
        let places = PerAddress::new(2);
        let (a, b) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let first = places.enter(a).unwrap();
        let _second = places.enter(a).unwrap();
        assert!(places.enter(a).is_none() && places.enter(b).is_some());
        drop(first);
        assert!(places.enter(a).is_some());
        assert_eq!(places.lock().0.len(), 1, "b is gone");
        let free = PerAddress::new(0);
        let many: Vec<_> = (0..100).map(|_| free.enter(a)).collect();
        assert!(many.iter().all(Option::is_some));
    }
}
