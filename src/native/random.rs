//! Random numbers, for names, keys and the backoff's jitter.

use std::hash::{BuildHasher, RandomState};

/// 64 random bits.
pub(crate) fn random() -> u64 {
    // Without the system's randomness: std has some too, which is enough for unique names.
    getrandom::u64().unwrap_or_else(|_| RandomState::new().hash_one(std::time::SystemTime::now()))
}
