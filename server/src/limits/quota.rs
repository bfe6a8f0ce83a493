//! Quotas by address or by user: how many of something each of them has at a time.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many each key has. A key that has none is discarded.
#[derive(Debug)]
pub struct Quota<K>(HashMap<K, u64>);

impl<K> Default for Quota<K> {
    fn default() -> Self {
        Quota(HashMap::new())
    }
}

impl<K: Eq + Hash> Quota<K> {
    /// Adds one, unless the key has `max` already (0: no limit). Returns whether it was added.
    #[must_use]
    pub fn acquire(&mut self, key: K, max: u64) -> bool {
        let count = self.0.entry(key).or_default();
        if max > 0 && *count >= max {
            return false; // the count is not 0, so this call did not add the key
        }
        *count += 1;
        true
    }

    /// Takes one away.
    pub fn release(&mut self, key: &K) {
        if let Some(count) = self.0.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(key);
            }
        }
    }
}

/// Limits the TCP connections of each address that are not WebSockets, or not yet: each holds a file descriptor.
pub struct AddressLimit {
    max: u64,
    // A plain mutex: held for a lookup, never across an await.
    quota: Mutex<Quota<IpAddr>>,
}

/// Allows one connection; dropping it releases it.
pub struct AddressPermit {
    ip: IpAddr,
    limit: Arc<AddressLimit>,
}

impl AddressLimit {
    /// 0 is no limit.
    pub fn new(max: u64) -> Arc<Self> {
        Arc::new(AddressLimit { max, quota: Mutex::default() })
    }

    /// Returns `None` if the address has reached the limit.
    pub fn acquire(self: &Arc<Self>, ip: IpAddr) -> Option<AddressPermit> {
        self.lock().acquire(ip, self.max).then(|| AddressPermit { ip, limit: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, Quota<IpAddr>> {
        self.quota.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        self.limit.lock().release(&self.ip);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_limit() {
        let limit = AddressLimit::new(2);
        let (a, b) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let first = limit.acquire(a).unwrap();
        let _second = limit.acquire(a).unwrap();
        assert!(limit.acquire(a).is_none() && limit.acquire(b).is_some());
        drop(first);
        assert!(limit.acquire(a).is_some());
        assert_eq!(limit.lock().0.len(), 1, "b was discarded");
        let unlimited = AddressLimit::new(0);
        let many: Vec<_> = (0..100).map(|_| unlimited.acquire(a)).collect();
        assert!(many.iter().all(Option::is_some));
    }
}
