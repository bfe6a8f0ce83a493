//! Which shard each channel belongs to.

use std::collections::HashMap;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::map::{Primary, SlotMap};
use super::nodes::NodeId;
use super::shard::Shard;
use super::slots;
use crate::log::StoreError;

/// A shard, and the nodes it consists of.
#[derive(Clone)]
pub(super) struct Member {
    pub primary: Primary,
    pub shard: Arc<Shard>,
}

/// See the module. It never changes: another one replaces it.
#[derive(Default)]
pub(super) struct Routes {
    pub map: SlotMap,
    /// In the order of the primaries' ids.
    pub members: Vec<Member>,
    /// By slot, an index of `members`.
    of_slot: Vec<Option<usize>>,
    /// Another one if any slot has another primary.
    pub version: u64,
}

impl Routes {
    pub fn new(map: SlotMap, members: Vec<Member>) -> Self {
        let by_id: HashMap<&NodeId, usize> =
            members.iter().enumerate().map(|(index, member)| (&member.primary.id, index)).collect();
        let of_slot: Vec<Option<usize>> =
            (0..slots::COUNT).map(|slot| by_id.get(map.owner(slot)?).copied()).collect();
        let mut hash = Xxh3::new();
        members.iter().for_each(|member| hash.update(member.primary.id.as_bytes()));
        of_slot
            .iter()
            .for_each(|index| hash.update(&index.map_or(u64::MAX, |index| index as u64).to_le_bytes()));
        let version = hash.digest();
        Routes { map, members, of_slot, version }
    }

    /// The shard of a slot.
    fn of_slot(&self, slot: u16) -> Option<&Arc<Shard>> {
        let index = (*self.of_slot.get(usize::from(slot))?)?;
        self.members.get(index).map(|member| &member.shard)
    }

    pub fn of_channel(&self, ch: &str) -> Option<&Arc<Shard>> {
        self.of_slot(slots::of_channel(ch))
    }

    /// The shard of a channel, or why there is none.
    pub fn shard(&self, ch: &str) -> Result<Arc<Shard>, StoreError> {
        let shard = self.of_channel(ch).cloned();
        shard.ok_or_else(|| {
            StoreError::Unavailable("no shard of the cluster has the slot of this channel".into())
        })
    }

    /// Whether each slot belongs to the same shard as before.
    pub fn are_as(&self, before: &Routes) -> bool {
        let same = |slot| match (self.of_slot(slot), before.of_slot(slot)) {
            (Some(now), Some(before)) => Arc::ptr_eq(now, before),
            (now, before) => now.is_none() && before.is_none(),
        };
        (0..slots::COUNT).all(same)
    }
}
