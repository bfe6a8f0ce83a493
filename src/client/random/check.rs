//! What a handle may get.

use std::collections::{BTreeMap, BTreeSet};

use super::super::start::StartFrom;
use super::super::{Item, Message};
use super::Opened;
use super::log_server::LogServer;
use crate::core::{Gap, GapReason};

/// What is known of a handle's place after some of its items.
struct Place<'a> {
    from: &'a StartFrom,
    /// The beginnings of the log that the handle may have seen.
    firsts: &'a [(String, u64)],
    epoch: Option<String>,
    next: Option<u64>,
    seen: BTreeSet<String>,
    /// The latest message of each offset in the last epoch.
    latest: BTreeMap<u64, String>,
}

/// Checks what a handle got against its start point.
pub fn handle(handle: &Opened, server: &LogServer) {
    let position = handle.from.position();
    let mut place = Place {
        from: &handle.from,
        firsts: &server.firsts[handle.opened..],
        epoch: position.map(|position| position.epoch.clone()),
        next: position.map(|position| position.offset + 1),
        seen: BTreeSet::new(),
        latest: BTreeMap::new(),
    };
    let items: Vec<_> = handle.items.iter().filter(|item| !matches!(item, Item::Live)).collect();
    for (i, item) in items.iter().enumerate() {
        match item {
            Item::Message(message) => place.message(message),
            Item::Gap(gap) => place.gap(gap, items.get(i + 1).copied()),
            other => panic!("an unexpected item: {other:?}"),
        }
    }
    if handle.key.is_some() {
        for (offset, data) in &place.latest {
            assert_eq!(data, &server.messages[*offset as usize - 1]);
        }
    }
}

impl Place<'_> {
    fn message(&mut self, message: &Message) {
        let data: String = message.json().expect("a text");
        let epoch = data.split('/').next().unwrap_or_default().to_owned();
        match self.next {
            Some(next) => assert_eq!(message.offset, next, "{data}"),
            None if *self.from == StartFrom::Start => {
                let is_first = |(name, first): &(String, u64)| *name == epoch && *first == message.offset;
                assert!(self.firsts.iter().any(is_first), "{} is not the start", message.offset);
            }
            None => {}
        }
        assert_eq!(self.epoch.get_or_insert_with(|| epoch.clone()), &epoch);
        assert!(self.seen.insert(data.clone()), "{data} came twice");
        self.next = Some(message.offset + 1);
        self.latest.insert(message.offset, data);
    }

    fn gap(&mut self, gap: &Gap, following: Option<&Item>) {
        match gap.reason {
            GapReason::EpochChanged => {
                assert!(self.next.is_none_or(|next| next == gap.from), "{gap:?}");
                (self.epoch, self.next) = (None, None);
                self.latest.clear();
            }
            GapReason::Rewound => {
                let to = gap.to.expect("a rewound log has an end");
                assert!(self.next.is_none_or(|next| next == to + 1), "{gap:?}");
                // It continues there, or after the gap if the log has grown beyond it again.
                let has_grown = matches!(following, Some(Item::Message(message)) if message.offset == to + 1);
                self.next = Some(if has_grown { to + 1 } else { gap.from });
                self.latest.retain(|offset, _| *offset < gap.from);
            }
            _ => {
                assert!(self.next.is_none_or(|next| next == gap.from), "{gap:?}");
                self.next = gap.to.map(|to| to + 1);
            }
        }
    }
}
