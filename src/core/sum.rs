//! Sums that do not overflow.

/// The sum of two numbers. It stops at the largest one, because the server of a native client can send any. The npm
/// package's wasm for `seamline.v1` gets only numbers that JavaScript has exactly, below 2^53: their sums do not
/// overflow, and a plain addition is less code.
pub(crate) fn sum(a: u64, b: u64) -> u64 {
    match cfg!(all(target_arch = "wasm32", feature = "js-texts")) {
        true => a.wrapping_add(b),
        false => a.saturating_add(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_stops_at_the_largest_number() {
        assert_eq!((sum(1, 2), sum(u64::MAX, 2)), (3, u64::MAX));
    }
}
