//! The pause between two tries: it grows, up to a bound.

use std::time::Duration;

/// See the module.
pub(super) struct Pause {
    next: Duration,
    min: Duration,
    max: Duration,
}

impl Pause {
    pub fn new(min: Duration, max: Duration) -> Self {
        Pause { next: min, min, max }
    }

    /// How long to wait now; the next time it is longer.
    pub fn grow(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.max);
        pause
    }

    /// What was tried has worked.
    pub fn reset(&mut self) {
        self.next = self.min;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_bound() {
        let mut pause = Pause::new(Duration::from_millis(100), Duration::from_secs(1));
        let ms: Vec<_> = (0..6).map(|_| pause.grow().as_millis()).collect();
        assert_eq!(ms, [100, 200, 400, 800, 1000, 1000]);
        pause.reset();
        assert_eq!(pause.grow().as_millis(), 100);
    }
}
