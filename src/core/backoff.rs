//! The delay before the next attempt: capped exponential backoff with full jitter.
//!
//! Full jitter (a uniform random delay between 0 and the cap of the attempt) spreads many clients best; see
//! Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. Two things differ here. The
//! delay has a minimum, so that no attempt follows another at once. And the attempts are reset only when a
//! connection has lasted (see [`Config::stable_ms`](super::Config::stable_ms)). Otherwise a client would
//! reconnect without pause to a server that accepts and then drops every connection.

/// No delay is shorter than this, unless `initial_ms` is.
pub const FLOOR_MS: u64 = 100;

/// Doubling stops here. By then every sensible cap is reached, and the shift cannot overflow.
const EXPONENT_MAX: u32 = 20;

/// The state of the backoff.
#[derive(Debug)]
pub struct Backoff {
    initial_ms: u64,
    max_ms: u64,
    attempt: u32,
    random: Random,
}

impl Backoff {
    /// A backoff without failed attempts. `seed` is the seed of the jitter.
    pub fn new(initial_ms: u64, max_ms: u64, seed: u64) -> Self {
        Backoff { initial_ms: initial_ms.max(1), max_ms: max_ms.max(1), attempt: 0, random: Random(seed) }
    }

    /// Counts a failed attempt and returns the delay before the next one, which is at most `longest_ms`.
    pub fn next_ms(&mut self, longest_ms: u64) -> u64 {
        let exponent = self.attempt.min(EXPONENT_MAX);
        self.attempt = self.attempt.saturating_add(1);
        self.draw_ms(exponent, longest_ms)
    }

    /// A delay like the one after a first failed attempt. Counts none.
    pub fn first_ms(&mut self) -> u64 {
        self.draw_ms(0, self.max_ms)
    }

    fn draw_ms(&mut self, exponent: u32, longest_ms: u64) -> u64 {
        // Not `saturating_mul`, here and elsewhere: on wasm, that is a multiplication of 128 bits.
        let cap = (self.initial_ms.min(u64::MAX >> exponent) << exponent).min(self.max_ms).min(longest_ms);
        let floor = FLOOR_MS.min(self.initial_ms).min(cap);
        floor + self.random.below(cap - floor + 1)
    }

    /// How many attempts have failed since the last connection that lasted.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The connection has lasted: resets the backoff.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}

/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014). The seed is an
/// argument, so that runs are reproducible.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number less than `bound`; the bias of the modulo is far below what jitter needs.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn delays_stay_between_floor_and_cap(
            seed: u64, initial_ms in 0u64..10_000, max_ms in 0u64..100_000, attempts in 1usize..80,
        ) {
            let mut backoff = Backoff::new(initial_ms, max_ms, seed);
            for attempt in 0..attempts {
                let wait = backoff.next_ms(u64::MAX);
                let cap = (initial_ms.max(1) << attempt.min(20)).min(max_ms.max(1));
                prop_assert!(wait <= cap, "attempt {} waited {} of {}", attempt, wait, cap);
                prop_assert!(wait >= 1);
                prop_assert!(wait >= FLOOR_MS.min(initial_ms).min(max_ms));
            }
        }
    }

    #[test]
    fn jitter_is_uniform_below_the_cap() {
        let mut backoff = Backoff::new(1_000, 1_000, 7);
        let waits: Vec<u64> = (0..1_000).map(|_| backoff.next_ms(u64::MAX)).collect();
        let below = |ms| waits.iter().filter(|&&wait| wait < ms).count();
        assert!((380..620).contains(&below(550)), "half of the waits lie in the lower half: {}", below(550));
        assert!(below(200) > 50 && below(900) < 950);
    }

    /// Compared with published values: <https://rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64>.
    #[test]
    fn the_generator_is_splitmix64() {
        let mut random = Random(1_234_567);
        let drawn = [random.next(), random.next(), random.next()];
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn delays_include_the_cap() {
        let mut backoff = Backoff::new(1, 2, 0);
        assert!((0..50).any(|_| backoff.next_ms(u64::MAX) == 2));
    }

    #[test]
    fn delays_grow_until_reset() {
        let mut backoff = Backoff::new(500, 20_000, 1);
        for _ in 0..10 {
            backoff.next_ms(u64::MAX);
        }
        assert_eq!(backoff.attempt(), 10);
        backoff.reset();
        assert!(backoff.next_ms(u64::MAX) <= 500);
    }
}
