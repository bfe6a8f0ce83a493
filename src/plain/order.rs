//! Puts numbers in order, for a server that numbers its messages but sends them slightly out of order.
//!
//! Messages ahead of the next number are buffered here, up to a bound, until the missing ones have arrived or
//! count as lost. Beyond the bound they are dropped. The highest number is kept, so that they are known to be
//! missing.

use std::collections::VecDeque;

/// Messages that wait for their turn.
#[derive(Debug)]
pub struct Order<T> {
    /// Ascending, each number once. A map would also work, at three times the download.
    buffered: VecDeque<(u64, T)>,
    buffered_max: usize,
    /// The highest number that arrived.
    highest: u64,
}

impl<T> Order<T> {
    /// At most `buffered_max` messages wait.
    pub fn new(buffered_max: usize) -> Self {
        Order { buffered: VecDeque::new(), buffered_max: buffered_max.max(1), highest: 0 }
    }

    fn place(&self, number: u64) -> Result<usize, usize> {
        self.buffered.binary_search_by_key(&number, |(buffered, _)| *buffered)
    }

    /// Whether this message is already waiting.
    pub fn has(&self, number: u64) -> bool {
        self.place(number).is_ok()
    }

    /// Buffers a message until its turn. At the bound, the highest is dropped, because the lowest has its
    /// turn first.
    pub fn buffer(&mut self, number: u64, message: T) {
        self.highest = self.highest.max(number);
        let Err(place) = self.place(number) else { return };
        self.buffered.insert(place, (number, message));
        self.buffered.truncate(self.buffered_max);
    }

    /// The message with this number, if it is here.
    pub fn take(&mut self, number: u64) -> Option<T> {
        let place = self.place(number).ok()?;
        self.buffered.remove(place).map(|(_, message)| message)
    }

    /// The lowest waiting message.
    pub fn take_lowest(&mut self) -> Option<(u64, T)> {
        self.buffered.pop_front()
    }

    /// The lowest waiting number.
    pub fn lowest(&self) -> Option<u64> {
        self.buffered.front().map(|(number, _)| *number)
    }

    /// The highest number that arrived.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// Drops all waiting messages. They are still known to exist.
    pub fn clear(&mut self) {
        self.buffered.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dropped_numbers_are_still_known_to_exist() {
        let mut order = Order::new(10);
        order.buffer(5, "five");
        assert!(order.has(5) && !order.has(4));
        order.clear();
        assert!(!order.has(5));
        assert_eq!((order.take_lowest(), order.highest()), (None, 5));
    }

    #[test]
    fn at_the_bound_the_highest_number_is_dropped() {
        let mut order = Order::new(2);
        for number in [5, 9, 7] {
            order.buffer(number, number);
        }
        assert_eq!((order.take(5), order.take(7), order.take(9)), (Some(5), Some(7), None));
        assert_eq!(order.highest(), 9);
    }

    proptest! {
        /// Numbers in any order, with a sufficient bound: delivered from 1 on, each once.
        #[test]
        fn numbers_come_out_in_order(numbers in Just((1u64..40).collect::<Vec<_>>()).prop_shuffle()) {
            let mut order = Order::new(40);
            let mut out = Vec::new();
            for number in numbers {
                order.buffer(number, ());
                while order.take(out.len() as u64 + 1).is_some() {
                    out.push(out.len() as u64 + 1);
                }
            }
            prop_assert_eq!(out, (1..40).collect::<Vec<_>>());
        }
    }
}
