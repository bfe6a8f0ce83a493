//! Random names and numbers, from the operating system.

/// 64 random bits. If the system has none, the clock is used: these are names, not secrets.
pub fn bits() -> u64 {
    getrandom::u64().unwrap_or_else(|_| crate::time::since_unix_epoch().as_nanos() as u64)
}

/// A name of 16 hexadecimal digits.
pub fn name() -> String {
    format!("{:016x}", bits())
}

/// A number in `from..to`.
pub fn between(from: u64, to: u64) -> u64 {
    from + bits() % (to - from).max(1)
}
