//! The slot map: which node owns each slot, from what several nodes say.
//!
//! Nodes may disagree for a while. A node that is cut off from the others does not know that it was replaced, so of two
//! owners of a slot, the one with the greater configuration epoch counts, as in the cluster itself. If that one does
//! not answer at the moment, it counts all the same.

use std::collections::{BTreeMap, HashSet};

use super::nodes::{HostPort, Node, NodeId, Role};
use super::slots;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SlotMap {
    nodes: BTreeMap<NodeId, Node>,
    /// By slot.
    owners: Vec<Option<Claim>>,
}

/// A node says that it, or another one, owns a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Claim {
    epoch: u64,
    owner: NodeId,
}

/// A node that owns slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Primary {
    pub id: NodeId,
    pub address: HostPort,
    /// Itself and its replicas.
    pub members: HashSet<NodeId>,
}

impl SlotMap {
    /// The map by these answers, each with all nodes that one node knows. `self` is the map before.
    pub fn updated(&self, answers: Vec<Vec<Node>>) -> SlotMap {
        let answered: HashSet<NodeId> =
            answers.iter().flatten().filter(|node| node.is_itself).map(|node| node.id.clone()).collect();
        let mut map = SlotMap { nodes: BTreeMap::new(), owners: vec![None; usize::from(slots::COUNT)] };
        for node in answers.into_iter().flatten() {
            map.note_claims(&node);
            map.note(node);
        }
        for (slot, before) in self.owners.iter().enumerate() {
            let Some(before) = before else { continue };
            if map.nodes.contains_key(&before.owner) && !answered.contains(&before.owner) {
                map.claim(slot, before.epoch, &before.owner);
            }
        }
        map
    }

    fn note(&mut self, node: Node) {
        let rank = |node: &Node| (node.epoch, node.is_itself);
        match self.nodes.get(&node.id) {
            Some(known) if rank(known) >= rank(&node) => {}
            _ => drop(self.nodes.insert(node.id.clone(), node)),
        }
    }

    fn note_claims(&mut self, node: &Node) {
        let Role::Primary { slots } = &node.role else { return };
        for slot in slots.iter().cloned().flatten() {
            self.claim(slot.into(), node.epoch, &node.id);
        }
    }

    fn claim(&mut self, slot: usize, epoch: u64, owner: &NodeId) {
        let Some(known) = self.owners.get_mut(slot) else { return };
        if known.as_ref().is_none_or(|known| known.epoch < epoch) {
            *known = Some(Claim { epoch, owner: owner.clone() });
        }
    }

    /// The owner of a slot.
    pub fn owner(&self, slot: u16) -> Option<&NodeId> {
        Some(&self.owners.get(usize::from(slot))?.as_ref()?.owner)
    }

    /// How many slots have no owner.
    pub fn unassigned(&self) -> usize {
        usize::from(slots::COUNT) - self.owners.iter().flatten().count()
    }

    /// The nodes that own slots, in the order of their ids.
    pub fn primaries(&self) -> Vec<Primary> {
        let owners: HashSet<&NodeId> = self.owners.iter().flatten().map(|claim| &claim.owner).collect();
        let owning = self.nodes.values().filter(|node| owners.contains(&node.id));
        owning.map(|node| self.primary(node)).collect()
    }

    fn primary(&self, node: &Node) -> Primary {
        let replicas = self.nodes.values().filter(|other| match &other.role {
            Role::Replica { of } => *of == node.id,
            Role::Primary { .. } => false,
        });
        let mut members: HashSet<NodeId> = replicas.map(|replica| replica.id.clone()).collect();
        members.insert(node.id.clone());
        Primary { id: node.id.clone(), address: node.address.clone(), members }
    }

    /// Where all nodes are.
    pub fn addresses(&self) -> Vec<HostPort> {
        self.nodes.values().map(|node| node.address.clone()).collect()
    }
}

/// Which of the shards that are known each of these primaries belongs to: the one whose primary it was, or of which it
/// was a replica.
pub(super) fn recognized(known: &[Primary], primaries: &[Primary]) -> Vec<Option<usize>> {
    let by_id = |primary: &Primary| known.iter().position(|shard| shard.id == primary.id);
    let mut found: Vec<Option<usize>> = primaries.iter().map(by_id).collect();
    for (index, primary) in primaries.iter().enumerate() {
        if found[index].is_none() {
            let was_member = |shard: &Primary| shard.members.contains(&primary.id);
            let shard = known.iter().position(was_member).filter(|shard| !found.contains(&Some(*shard)));
            found[index] = shard;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::nodes::{Reading, parse};
    use super::*;

    fn answer(itself: &str, lines: &[(&str, &str, u64, &str)]) -> Vec<Node> {
        let line = |(id, role, epoch, slots): &(&str, &str, u64, &str)| {
            let myself = if *id == itself { "myself," } else { "" };
            let (flags, of) = role.split_once(' ').unwrap_or((role, "-"));
            format!("{id} {id}.example:1@2 {myself}{flags} {of} 0 0 {epoch} connected {slots}\n")
        };
        let text: String = lines.iter().map(line).collect();
        parse(&text, Reading { asked: "asked", names: false })
    }

    fn map(answers: Vec<Vec<Node>>) -> SlotMap {
        SlotMap::default().updated(answers)
    }

    fn owner(map: &SlotMap, slot: u16) -> &str {
        map.owner(slot).map_or("", |owner| owner)
    }

    const BEFORE: [(&str, &str, u64, &str); 3] =
        [("a", "master", 1, "0-9"), ("b", "slave a", 1, ""), ("c", "master", 2, "10-16383")];
    const AFTER: [(&str, &str, u64, &str); 3] =
        [("a", "master,fail", 1, ""), ("b", "master", 3, "0-9"), ("c", "master", 2, "10-16383")];

    #[test]
    fn a_primary_that_is_cut_off_does_not_win() {
        for answers in
            [vec![answer("a", &BEFORE), answer("c", &AFTER)], vec![answer("c", &AFTER), answer("a", &BEFORE)]]
        {
            let map = map(answers);
            assert_eq!((owner(&map, 0), owner(&map, 10), map.unassigned()), ("b", "c", 0));
        }
        // Also if nobody else answers later.
        let map = map(vec![answer("c", &AFTER)]).updated(vec![answer("a", &BEFORE)]);
        assert_eq!(owner(&map, 0), "b");
    }

    #[test]
    fn a_node_that_gave_a_slot_away_has_lost_it() {
        let before = map(vec![answer("a", &[("a", "master", 9, "0-9"), ("c", "master", 2, "10-16383")])]);
        // By force, without a new epoch.
        let after = [("a", "master", 9, "0-8"), ("c", "master", 2, "9-16383")];
        assert_eq!(owner(&before.updated(vec![answer("a", &after)]), 9), "c");
        assert_eq!(owner(&before.updated(vec![answer("c", &after)]), 9), "a", "it has not answered");
    }

    #[test]
    fn nodes_that_were_removed_own_nothing() {
        let map = map(vec![answer("a", &BEFORE)]).updated(vec![answer("d", &[("d", "master", 1, "0-99")])]);
        assert_eq!((owner(&map, 0), owner(&map, 100)), ("d", ""));
        assert_eq!(map.unassigned(), 16_284);
    }

    #[test]
    fn a_shard_keeps_its_identity_in_a_failover() {
        let before = map(vec![answer("a", &BEFORE)]).primaries();
        let after = map(vec![answer("c", &AFTER)]).primaries();
        let ids = |primaries: &[Primary]| primaries.iter().map(|it| it.id.to_string()).collect::<Vec<_>>();
        assert_eq!((ids(&before), ids(&after)), (vec!["a".into(), "c".into()], vec!["b".into(), "c".into()]));
        assert_eq!(recognized(&before, &after), [Some(0), Some(1)]);
        let with_new =
            [&AFTER[..2], &[("c", "master", 2, "10-99"), ("d", "master", 4, "100-16383")]].concat();
        let with_new = map(vec![answer("c", &with_new)]).primaries();
        assert_eq!(recognized(&after, &with_new), [Some(0), Some(1), None]);
    }

    /// A replica that gets slots of its own, while its primary keeps others, is another shard.
    #[test]
    fn two_primaries_are_never_one_shard() {
        let before = map(vec![answer("a", &BEFORE)]).primaries();
        let split = [("a", "master", 1, "0-4"), ("b", "master", 3, "5-9"), ("c", "master", 2, "10-16383")];
        let after = map(vec![answer("c", &split)]).primaries();
        assert_eq!(recognized(&before, &after), [Some(0), None, Some(1)]);
    }
}
