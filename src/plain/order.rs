//! Numbers put in order, where a server numbers its messages but sends them slightly out of order.
//!
//! What lies ahead of the next number waits here, up to a bound, until what is missing has come or is
//! given up. What is beyond the bound is let go of; only the highest number is kept, so that it is
//! known to be missing.

use std::collections::VecDeque;

/// Messages that wait for their turn.
#[derive(Debug)]
pub struct Order<T> {
    /// Ascending, each number once. A map would do as well, at three times the download.
    parked: VecDeque<(u64, T)>,
    parked_max: usize,
    /// The highest number that came.
    ahead: u64,
}

impl<T> Order<T> {
    /// At most `parked_max` messages wait.
    pub fn new(parked_max: usize) -> Self {
        Order { parked: VecDeque::new(), parked_max: parked_max.max(1), ahead: 0 }
    }

    fn place(&self, number: u64) -> Result<usize, usize> {
        self.parked.binary_search_by_key(&number, |(parked, _)| *parked)
    }

    /// Whether this message waits already.
    pub fn has(&self, number: u64) -> bool {
        self.place(number).is_ok()
    }

    /// A message that is to be handed over at its turn. At the bound, the highest goes: the lowest
    /// has its turn first.
    pub fn park(&mut self, number: u64, message: T) {
        self.ahead = self.ahead.max(number);
        let Err(place) = self.place(number) else { return };
        self.parked.insert(place, (number, message));
        self.parked.truncate(self.parked_max);
    }

    /// The message of this number, if it is there.
    pub fn take(&mut self, number: u64) -> Option<T> {
        let place = self.place(number).ok()?;
        self.parked.remove(place).map(|(_, message)| message)
    }

    /// The lowest message that waits.
    pub fn take_lowest(&mut self) -> Option<(u64, T)> {
        self.parked.pop_front()
    }

    /// The lowest number that waits.
    pub fn lowest(&self) -> Option<u64> {
        self.parked.front().map(|(number, _)| *number)
    }

    /// The highest number that came.
    pub fn ahead(&self) -> u64 {
        self.ahead
    }

    /// Lets go of all that waits. What came is still known to exist.
    pub fn let_go(&mut self) {
        self.parked.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_let_go_of_waits_no_more_and_is_still_known_of() {
        let mut order = Order::new(10);
        order.park(5, "five");
        assert!(order.has(5) && !order.has(4));
        order.let_go();
        assert!(!order.has(5));
        assert_eq!((order.take_lowest(), order.ahead()), (None, 5));
    }

    #[test]
    fn at_the_bound_the_highest_is_let_go_of_and_known_to_be_missing() {
        let mut order = Order::new(2);
        for number in [5, 9, 7] {
            order.park(number, number);
        }
        assert_eq!((order.take(5), order.take(7), order.take(9)), (Some(5), Some(7), None));
        assert_eq!(order.ahead(), 9);
    }

    proptest! {
        /// Numbers in any order, with a bound that suffices: handed over from 1 on, each once.
        #[test]
        fn comes_out_in_order(numbers in Just((1u64..40).collect::<Vec<_>>()).prop_shuffle()) {
            let mut order = Order::new(40);
            let mut out = Vec::new();
            for number in numbers {
                order.park(number, ());
                while order.take(out.len() as u64 + 1).is_some() {
                    out.push(out.len() as u64 + 1);
                }
            }
            prop_assert_eq!(out, (1..40).collect::<Vec<_>>());
        }
    }
}
