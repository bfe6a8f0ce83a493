//! Items that not every listener has taken yet: bounded in number and in bytes.
//!
//! Each listener has a cursor, the number of the item that it takes next. An item is dropped when every listener has
//! taken it, or to make room. In the second case, slow listeners learn how many items they missed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much a backlog may hold. The newest item always fits, however large it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub items: usize,
    pub bytes: usize,
}

/// The bytes in all backlogs together, and their limit.
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
    /// This many items were dropped before the listener took them.
    Missed(u64),
    Nothing,
}

struct Item<T> {
    value: T,
    bytes: usize,
    /// How many listeners have not taken it yet.
    awaited_by: usize,
}

/// See the module.
pub(super) struct Backlog<T> {
    items: VecDeque<Item<T>>,
    /// The number of the first item.
    first: u64,
    bytes: usize,
    bounds: Bounds,
    budget: Arc<Budget>,
}

impl<T: Clone> Backlog<T> {
    pub fn new(bounds: Bounds, budget: Arc<Budget>) -> Self {
        Backlog { items: VecDeque::new(), first: 0, bytes: 0, bounds, budget }
    }

    /// An empty one within the same budget.
    pub fn sibling<U: Clone>(&self, bounds: Bounds) -> Backlog<U> {
        Backlog::new(bounds, self.budget.clone())
    }

    /// The cursor of a new listener.
    pub fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// The number of the oldest item that is kept.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Adds an item for this many listeners, and drops the oldest items to make room for it.
    pub fn push(&mut self, value: T, bytes: usize, listeners: usize) {
        if listeners == 0 {
            return; // the last one has just left
        }
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

    /// Whether a listener at this cursor has something to take, or has missed something.
    pub fn has(&self, cursor: u64) -> bool {
        cursor < self.end()
    }

    /// Takes the item at the cursor if `accept` agrees, and advances the cursor.
    pub fn take(&mut self, cursor: &mut u64, accept: impl FnOnce(&T) -> bool) -> Found<T> {
        if *cursor < self.first {
            let missed = self.first - *cursor;
            *cursor = self.first;
            return Found::Missed(missed);
        }
        let Some(item) = self.items.get_mut((*cursor - self.first) as usize) else { return Found::Nothing };
        if !accept(&item.value) {
            return Found::Nothing;
        }
        *cursor += 1;
        item.awaited_by -= 1;
        let value = item.value.clone();
        self.drop_taken();
        Found::Item(value)
    }

    /// Advances the cursor past items that the listener already has.
    pub fn skip(&mut self, cursor: &mut u64, items: usize) {
        let from = cursor.saturating_sub(self.first) as usize;
        self.items.iter_mut().skip(from).take(items).for_each(|item| item.awaited_by -= 1);
        *cursor += items as u64;
        self.drop_taken();
    }

    /// Removes a listener: nothing is kept for it any more.
    pub fn leave(&mut self, cursor: u64) {
        let from = cursor.saturating_sub(self.first) as usize;
        self.items.iter_mut().skip(from).for_each(|item| item.awaited_by -= 1);
        self.drop_taken();
    }

    /// A listener that has not taken an item has not taken those after it, so the items to drop are the first ones.
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
            self.items = VecDeque::new(); // gives the memory back: most channels are quiet most of the time
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
    fn an_item_stays_until_every_listener_has_it() {
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
    fn a_new_listener_gets_only_new_items() {
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
    fn a_slow_listener_learns_how_many_it_missed() {
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
    fn the_newest_item_always_fits() {
        let mut backlog = backlog(10, 100);
        let mut cursor = backlog.end();
        backlog.push(1, 10, 1);
        backlog.push(2, 5000, 1);
        assert_eq!(take(&mut backlog, &mut cursor), Found::Missed(1));
        assert_eq!(take(&mut backlog, &mut cursor), Found::Item(2));
    }

    #[test]
    fn leaving_after_a_miss_counts_once() {
        let mut backlog = backlog(2, 100);
        let (slow, mut other) = (backlog.end(), backlog.end());
        (0..5).for_each(|i| backlog.push(i, 1, 2));
        backlog.leave(slow);
        assert_eq!(take(&mut backlog, &mut other), Found::Missed(3));
        assert_eq!(take(&mut backlog, &mut other), Found::Item(3));
        assert_eq!(backlog.items.len(), 1);
    }

    #[test]
    fn a_rejected_item_stays() {
        let mut backlog = backlog(2, 100);
        let mut cursor = backlog.end();
        backlog.push(7, 1, 1);
        assert_eq!(backlog.take(&mut cursor, |_| false), Found::Nothing);
        assert_eq!(take(&mut backlog, &mut cursor), Found::Item(7));
    }

    #[test]
    fn a_dropped_backlog_frees_its_bytes() {
        let mut backlog = backlog(2, 100);
        let budget = backlog.budget.clone();
        backlog.push(7, 50, 1);
        assert_eq!(budget.waiting(), 50);
        drop(backlog);
        assert_eq!(budget.waiting(), 0);
    }
}
