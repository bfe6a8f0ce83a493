//! What has been published and not been taken by every listener yet: bounded in items and in bytes.
//!
//! Each listener has a cursor, the number of the item that it takes next. An item goes when everyone has taken it, or
//! when there is no room: then whoever has not taken it is told how many it missed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much may wait. The newest item always may, however large it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub items: usize,
    pub bytes: usize,
}

/// Bytes that wait in all backlogs together, and how many may.
#[derive(Debug)]
pub(super) struct Budget {
    pub bytes_max: usize,
    waiting: AtomicUsize,
}

impl Budget {
    pub fn new(bytes_max: usize) -> Self {
        Budget { bytes_max, waiting: AtomicUsize::new(0) }
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// What a listener finds at its cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<T> {
    Item(T),
    /// So many items were dropped before it took them.
    Missed(u64),
    Nothing,
}

struct Item<T> {
    value: T,
    bytes: usize,
    /// How many listeners have not taken it.
    awaited_by: usize,
}

/// See the module.
pub(super) struct Backlog<T> {
    items: VecDeque<Item<T>>,
    /// The number of the first of them.
    first: u64,
    bytes: usize,
    bounds: Bounds,
    budget: Arc<Budget>,
}

impl<T: Clone> Backlog<T> {
    pub fn new(bounds: Bounds, budget: Arc<Budget>) -> Self {
        Backlog { items: VecDeque::new(), first: 0, bytes: 0, bounds, budget }
    }

    /// Where a listener begins that comes now.
    pub fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// Adds an item for so many listeners. The oldest items make room for it.
    pub fn push(&mut self, value: T, bytes: usize, listeners: usize) {
        self.items.push_back(Item { value, bytes, awaited_by: listeners });
        self.bytes += bytes;
        self.budget.waiting.fetch_add(bytes, Ordering::Relaxed);
        while self.items.len() > 1 && self.is_too_large() {
            self.drop_first();
        }
    }

    fn is_too_large(&self) -> bool {
        self.items.len() > self.bounds.items
            || self.bytes > self.bounds.bytes
            || self.budget.waiting() > self.budget.bytes_max
    }

    /// Whether there is something at this cursor, be it only to be told what was missed.
    pub fn has(&self, cursor: u64) -> bool {
        cursor < self.end()
    }

    /// Takes the item at the cursor, if it is wanted, and moves the cursor on.
    pub fn take(&mut self, cursor: &mut u64, wanted: impl FnOnce(&T) -> bool) -> Found<T> {
        if *cursor < self.first {
            let missed = self.first - *cursor;
            *cursor = self.first;
            return Found::Missed(missed);
        }
        let Some(item) = self.items.get_mut((*cursor - self.first) as usize) else { return Found::Nothing };
        if !wanted(&item.value) {
            return Found::Nothing;
        }
        *cursor += 1;
        item.awaited_by -= 1;
        let value = item.value.clone();
        self.drop_taken();
        Found::Item(value)
    }

    /// A listener goes: nothing waits for it any more.
    pub fn leave(&mut self, cursor: u64) {
        let from = cursor.saturating_sub(self.first) as usize;
        self.items.iter_mut().skip(from).for_each(|item| item.awaited_by -= 1);
        self.drop_taken();
    }

    /// Who has not taken an item has not taken those after it: so it is always the first ones.
    fn drop_taken(&mut self) {
        while self.items.front().is_some_and(|item| item.awaited_by == 0) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(item) = self.items.pop_front() {
            self.first += 1;
            self.bytes -= item.bytes;
            self.budget.waiting.fetch_sub(item.bytes, Ordering::Relaxed);
        }
        if self.items.is_empty() {
            self.items = VecDeque::new(); // most channels are quiet most of the time
        }
    }
}

impl<T> Drop for Backlog<T> {
    fn drop(&mut self) {
        self.budget.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backlog(items: usize, bytes: usize) -> Backlog<u32> {
        Backlog::new(Bounds { items, bytes }, Arc::new(Budget::new(1000)))
    }

    fn take(backlog: &mut Backlog<u32>, cursor: &mut u64) -> Found<u32> {
        backlog.take(cursor, |_| true)
    }

    #[test]
    fn an_item_stays_until_everyone_has_taken_it() {
        let mut backlog = backlog(10, 100);
        let (mut fast, mut slow) = (backlog.end(), backlog.end());
        (0..3).for_each(|i| backlog.push(i, 10, 2));
        for i in 0..3 {
            assert_eq!(take(&mut backlog, &mut fast), Found::Item(i));
        }
        assert_eq!((take(&mut backlog, &mut fast), backlog.budget.waiting()), (Found::Nothing, 30));
        assert_eq!((take(&mut backlog, &mut slow), backlog.budget.waiting()), (Found::Item(0), 20));
        backlog.leave(slow);
        assert_eq!((backlog.budget.waiting(), backlog.items.len()), (0, 0));
    }

    #[test]
    fn who_comes_later_gets_what_is_pushed_later() {
        let mut backlog = backlog(10, 100);
        let mut early = backlog.end();
        backlog.push(1, 10, 1);
        let mut late = backlog.end();
        backlog.push(2, 10, 2);
        assert_eq!(take(&mut backlog, &mut late), Found::Item(2));
        assert_eq!(take(&mut backlog, &mut early), Found::Item(1));
        assert_eq!(take(&mut backlog, &mut early), Found::Item(2));
        assert_eq!(backlog.items.len(), 0);
    }

    #[test]
    fn who_is_slow_is_told_how_many_it_missed() {
        for (items, bytes, each) in [(2, 1000, 1), (100, 20, 10), (100, 5000, 400)] {
            let mut backlog = backlog(items, bytes);
            let mut cursor = backlog.end();
            (0..5).for_each(|i| backlog.push(i, each, 1));
            assert_eq!(take(&mut backlog, &mut cursor), Found::Missed(3), "{items} {bytes} {each}");
            assert_eq!(take(&mut backlog, &mut cursor), Found::Item(3));
            assert_eq!(take(&mut backlog, &mut cursor), Found::Item(4));
        }
    }

    #[test]
    fn the_newest_item_has_room_however_large_it_is() {
        let mut backlog = backlog(10, 100);
        let mut cursor = backlog.end();
        backlog.push(1, 10, 1);
        backlog.push(2, 5000, 1);
        assert_eq!(take(&mut backlog, &mut cursor), Found::Missed(1));
        assert_eq!(take(&mut backlog, &mut cursor), Found::Item(2));
    }

    #[test]
    fn who_leaves_after_it_missed_something_is_counted_once() {
        let mut backlog = backlog(2, 100);
        let (slow, mut other) = (backlog.end(), backlog.end());
        (0..5).for_each(|i| backlog.push(i, 1, 2));
        backlog.leave(slow);
        assert_eq!(take(&mut backlog, &mut other), Found::Missed(3));
        assert_eq!(take(&mut backlog, &mut other), Found::Item(3));
        assert_eq!(backlog.items.len(), 1);
    }

    #[test]
    fn an_item_that_is_not_wanted_stays() {
        let mut backlog = backlog(2, 100);
        let mut cursor = backlog.end();
        backlog.push(7, 1, 1);
        assert_eq!(backlog.take(&mut cursor, |_| false), Found::Nothing);
        assert_eq!(take(&mut backlog, &mut cursor), Found::Item(7));
    }

    #[test]
    fn a_backlog_that_goes_gives_its_bytes_back() {
        let mut backlog = backlog(2, 100);
        let budget = backlog.budget.clone();
        backlog.push(7, 50, 1);
        assert_eq!(budget.waiting(), 50);
        drop(backlog);
        assert_eq!(budget.waiting(), 0);
    }
}
