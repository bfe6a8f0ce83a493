//! The ids that were seen, in bounded memory, for a server that does not number its messages.
//!
//! ```text
//!        floor                                  newest
//!          v                                      v
//!  . . . . | 14-0  15-0  15-1  17-0 · · ·  88-0  90-0
//!  all seen|  the window: the newest ids, at most so many
//! ```
//!
//! An id is seen if it is at or below the floor, or in the window. Ids enter the window in any order. The
//! invariant: an id leaves the window only as its lowest, and the floor then rises to it. So a replay in
//! order is distinguished from seen messages however long it is, even while newer messages overtake it: they
//! stay at the upper end of the window, and the floor follows the replay. Only if the overtaking messages
//! fill the whole window does the rest of that replay fall below the floor.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::wire::MessageId;

/// Ids that have an order: `ms-seq`.
#[derive(Debug)]
pub struct Window {
    floor: Option<MessageId>,
    /// Ascending, each once.
    ids: VecDeque<MessageId>,
    ids_max: usize,
}

impl Window {
    /// Everything up to `floor` counts as seen.
    pub fn new(floor: Option<MessageId>, ids_max: usize) -> Self {
        Window { floor, ids: VecDeque::new(), ids_max: ids_max.max(1) }
    }

    /// Everything up to here counts as seen.
    pub fn floor(&self) -> Option<MessageId> {
        self.floor
    }

    /// Whether an id was seen.
    pub fn has(&self, id: MessageId) -> bool {
        self.floor.is_some_and(|floor| id <= floor) || self.ids.binary_search(&id).is_ok()
    }

    /// Remembers an id.
    pub fn add(&mut self, id: MessageId) {
        if self.floor.is_some_and(|floor| id <= floor) {
            return;
        }
        let Err(place) = self.ids.binary_search(&id) else { return };
        self.ids.insert(place, id); // near the end, as a rule: cheap
        if self.ids.len() > self.ids_max {
            self.floor = self.ids.pop_front();
        }
    }

    /// The highest seen id that is lower than `bound`.
    pub fn highest_below(&self, bound: MessageId) -> Option<MessageId> {
        let place = self.ids.partition_point(|&id| id < bound);
        match place.checked_sub(1) {
            Some(place) => self.ids.get(place).copied(),
            None => self.floor.filter(|&floor| floor < bound),
        }
    }
}

/// Ids that can only be compared for equality, such as UUIDs. They have no floor: the oldest id is forgotten
/// first, and is new when it arrives again.
#[derive(Debug)]
pub struct Recent {
    /// Sorted.
    ids: Vec<Arc<str>>,
    /// In order of arrival.
    order: VecDeque<Arc<str>>,
    ids_max: usize,
}

impl Recent {
    /// Remembers the last `ids_max` ids.
    pub fn new(ids_max: usize) -> Self {
        Recent { ids: Vec::new(), order: VecDeque::new(), ids_max: ids_max.max(1) }
    }

    fn place(&self, id: &str) -> Result<usize, usize> {
        self.ids.binary_search_by(|seen| (**seen).cmp(id))
    }

    /// Whether an id is remembered.
    pub fn has(&self, id: &str) -> bool {
        self.place(id).is_ok()
    }

    /// Remembers an id.
    pub fn add(&mut self, id: &str) {
        let Err(place) = self.place(id) else { return };
        let id: Arc<str> = id.into();
        self.ids.insert(place, Arc::clone(&id));
        self.order.push_back(id);
        if self.order.len() > self.ids_max
            && let Some(oldest) = self.order.pop_front()
            && let Ok(place) = self.place(&oldest)
        {
            self.ids.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn id(ms: u64) -> MessageId {
        MessageId { ms, seq: 0 }
    }

    /// The messages that a window lets through.
    fn fresh(window: &mut Window, ids: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut fresh = Vec::new();
        for ms in ids {
            if !window.has(id(ms)) {
                window.add(id(ms));
                fresh.push(ms);
            }
        }
        fresh
    }

    #[test]
    fn a_full_window_raises_its_floor() {
        let mut window = Window::new(None, 3);
        assert_eq!(fresh(&mut window, [10, 20, 30]), [10, 20, 30]);
        assert_eq!(window.floor(), None);
        assert_eq!(fresh(&mut window, [40]), [40]);
        assert_eq!((window.floor(), window.ids.len()), (Some(id(10)), 3));
        assert_eq!(fresh(&mut window, [5, 15, 25]), [15, 25], "5 counts as seen; the others do not yet");
        assert_eq!(window.floor(), Some(id(20)), "15 was the lowest of four, then 20");
    }

    #[test]
    fn an_overtaking_message_hides_no_long_replay() {
        let mut window = Window::new(Some(id(100)), 50);
        assert_eq!(fresh(&mut window, [9_000]), [9_000]);
        assert_eq!(fresh(&mut window, 101..=9_000), (101..9_000).collect::<Vec<_>>());
        assert_eq!(window.ids.len(), 50);
    }

    #[test]
    fn too_many_overtaking_messages_hide_the_replay() {
        let mut window = Window::new(None, 3);
        fresh(&mut window, [1, 2, 101, 102, 103, 104]);
        assert_eq!(fresh(&mut window, [3, 4]), [0; 0], "documented: this is what the bound costs");
    }

    #[test]
    fn the_highest_id_below_a_bound_is_found() {
        let mut window = Window::new(Some(id(5)), 3);
        fresh(&mut window, [10, 20]);
        assert_eq!(window.highest_below(id(20)), Some(id(10)));
        assert_eq!(window.highest_below(id(21)), Some(id(20)));
        assert_eq!(window.highest_below(id(10)), Some(id(5)));
        assert_eq!(window.highest_below(id(5)), None);
    }

    #[test]
    fn a_forgotten_text_is_new_again() {
        let mut recent = Recent::new(2);
        for id in ["a", "b", "c", "c"] {
            recent.add(id);
        }
        assert_eq!(["a", "b", "c"].map(|id| recent.has(id)), [false, true, true]);
        assert_eq!((recent.ids.len(), recent.order.len()), (2, 2));
    }

    proptest! {
        /// With no more ids than the window holds: each once, in any order, however often.
        #[test]
        fn each_id_is_new_once(ids in proptest::collection::vec(1u64..60, 0..400)) {
            let mut window = Window::new(None, 60);
            let seen = fresh(&mut window, ids.iter().copied());
            prop_assert_eq!(seen.len(), seen.iter().collect::<HashSet<_>>().len());
            prop_assert_eq!(seen.into_iter().collect::<HashSet<_>>(), ids.into_iter().collect::<HashSet<_>>());
        }

        /// With any bound and any order: never twice, and never more memory than the bound.
        #[test]
        fn the_window_never_exceeds_its_bound(
            ids in proptest::collection::vec(1u64..200, 0..400), bound in 1usize..20,
        ) {
            let mut window = Window::new(None, bound);
            let seen = fresh(&mut window, ids);
            prop_assert_eq!(seen.len(), seen.iter().collect::<HashSet<_>>().len());
            prop_assert!(window.ids.len() <= bound);
        }

        /// A log that is replayed from its start repeatedly, cut anywhere, with fewer live messages ahead of
        /// each replay than the window holds.
        #[test]
        fn a_replayed_log_loses_nothing(
            cuts in proptest::collection::vec((1u64..400, 0u64..8), 1..12),
        ) {
            let mut window = Window::new(None, 10);
            let mut delivered = HashSet::new();
            for (end, overtaking) in cuts {
                delivered.extend(fresh(&mut window, end + 1..=end + overtaking));
                delivered.extend(fresh(&mut window, 1..=end + overtaking));
                prop_assert!((1..=end + overtaking).all(|ms| delivered.contains(&ms)));
            }
        }
    }
}
