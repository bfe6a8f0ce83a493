//! How much may be on its way without an answer: twice what the path carries in a round trip.
//!
//! A window below the bandwidth-delay product leaves the path idle. One far above it only fills memory. So both are
//! measured: each time half a window has passed, the time that this took gives the rate, and the rate times the round
//! trip what the path carries. The window is twice that. Then half a window takes a round trip, and the rest leaves room
//! for grants that come in steps and for a path that gets faster. Of a window that is too small, one half comes in a
//! burst, at the rate of the path: the next window fits.
//!
//! This is how receivers of QUIC fit their windows: quic-go doubles one that is used up within two round trips, neqo adds
//! what arrived in excess of the estimate. Theirs only grow. This one also shrinks when less passes, because the path or
//! the application is slow.

use super::sum::sum;
use super::timer::Instant;

/// A longer round trip only shows that the page was busy.
const ROUND_TRIP_MS_MAX: u64 = 2_000;
/// At most so much larger is the next window. What a busy page finds waiting looks like a fast path.
const GROWTH_MAX: u64 = 16;

/// A window. Its unit is the caller's.
#[derive(Debug, Default)]
pub(super) struct Window {
    size: u64,
    /// How much has passed since then.
    passed: u64,
    since: Option<Instant>,
}

impl Window {
    /// How much may be on its way, within these limits. The maximum prevails.
    pub fn size(&self, min: u64, max: u64) -> u64 {
        self.size.max(min).min(max)
    }

    /// Measures from this moment on, or from the next that something passes.
    pub fn measure_from(&mut self, since: Option<Instant>) {
        self.passed = 0;
        self.since = since;
    }

    /// Whether it was fitted to the path, or reset because that is slow. If not, nothing is known of the path.
    pub fn is_fitted(&self) -> bool {
        self.size > 0
    }

    /// The path or the application is slow: begins again with the smallest window.
    pub fn reset(&mut self) {
        *self = Window { size: 1, ..Window::default() }; // not 0: it is known that something is slow
    }

    /// So much has passed. Fits the window, within these limits.
    pub fn pass(&mut self, amount: u64, now: Instant, round_trip_ms: u64, min: u64, max: u64) {
        let Some(since) = self.since else { return self.measure_from(Some(now)) };
        self.passed = sum(self.passed, amount);
        let size = self.size(min, max);
        if self.passed < size.div_ceil(2) {
            return;
        }
        let round_trip_ms = round_trip_ms.min(ROUND_TRIP_MS_MAX) as f64;
        let carried = self.passed as f64 * round_trip_ms / now.ms_since(since).max(1) as f64;
        self.size = ((2.0 * carried) as u64).clamp(size / 2, grown(size)).min(max);
        // A larger one was not full yet: that begins with what passes next, after a round trip.
        self.measure_from((self.size <= size).then_some(now));
    }
}

/// The largest window that may follow one of this size.
pub(super) fn grown(size: u64) -> u64 {
    size.min(u64::MAX / GROWTH_MAX) * GROWTH_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: u64 = 100;
    const MAX: u64 = 100_000;

    /// The sizes of the window on a path that carries this much in a millisecond, with this round trip.
    fn sizes(window: &mut Window, per_ms: u64, round_trip_ms: u64, windows: u32) -> Vec<u64> {
        let mut now = Instant(5_000);
        let mut sizes = Vec::new();
        for _ in 0..windows {
            let half = window.size(MIN, MAX).div_ceil(2);
            window.measure_from(Some(now));
            now = now.after_ms((half / per_ms).max(round_trip_ms / 2));
            window.pass(half, now, round_trip_ms, MIN, MAX);
            sizes.push(window.size(MIN, MAX));
        }
        sizes
    }

    #[test]
    fn a_window_grows_to_twice_what_the_path_carries() {
        let mut window = Window::default();
        assert_eq!(sizes(&mut window, 50, 100, 8), [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
        assert_eq!(sizes(&mut window, 50, 20, 4), [5_000, 2_500, 2_000, 2_000], "the path is another one");
    }

    #[test]
    fn a_burst_shows_the_rate_of_the_path() {
        let mut window = Window::default();
        window.measure_from(Some(Instant(0)));
        for now_ms in [1, 2, 3, 4, 5] {
            window.pass(10, Instant(now_ms), 20, MIN, MAX);
        }
        assert_eq!(window.size(MIN, MAX), 400, "10 a millisecond, in 20");
    }

    #[test]
    fn a_slow_path_keeps_the_smallest_window() {
        assert_eq!(sizes(&mut Window::default(), 1, 20, 3), [MIN, MIN, MIN]);
    }

    #[test]
    fn no_window_exceeds_its_limits() {
        let mut window = Window::default();
        assert_eq!(sizes(&mut window, 1_000_000, 2_000, 12).pop(), Some(MAX));
        assert_eq!(window.size(MIN, 7), 7, "the maximum prevails");
        window.reset();
        assert_eq!(window.size(MIN, MAX), MIN);
    }

    #[test]
    fn a_clump_grows_a_window_sixteenfold_at_most() {
        let mut window = Window::default();
        window.measure_from(Some(Instant(0)));
        window.pass(MIN, Instant(0), 60_000, MIN, MAX);
        assert_eq!(window.size(MIN, MAX), 16 * MIN);
    }

    #[test]
    fn measuring_begins_when_something_passes() {
        let mut window = Window::default();
        window.measure_from(None);
        window.pass(MIN, Instant(60_000), 100, MIN, MAX);
        window.pass(MIN / 2, Instant(60_050), 100, MIN, MAX);
        assert_eq!(window.size(MIN, MAX), 2 * MIN, "half of it in half a round trip");
    }
}
