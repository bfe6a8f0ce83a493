//! Keeps the slot map up to date, and applies its changes: a shard gets another primary, a slot another shard.
//!
//! The map is read every 2 s, and at once when a command shows that it is outdated. A failover needs nothing else: the
//! shard connects to its new primary, as with Sentinel. When a slot has moved, the reader of the other shard takes over
//! its channels before anything else is sent there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tracing::{debug, info};

use super::health::combined;
use super::map::{Primary, SlotMap, recognized};
use super::place::At;
use super::routes::{Member, Routes};
use super::shard::Shard;
use super::slots;
use super::survey::Survey;
use crate::log::Health;
use crate::log::redis::Parts;
use crate::log::redis::connection::{NOT_CONNECTED, SharedConnection};

/// How often the slot map is read …
const INTERVAL: Duration = Duration::from_secs(2);
/// … and the least time between two reads.
const PAUSE_MIN: Duration = Duration::from_millis(200);

/// The cluster, as this node knows it.
pub(super) struct Cluster {
    pub parts: Parts,
    pub survey: Survey,
    /// How many replicas must have a publication before it is acknowledged.
    pub replicas: usize,
    /// The slot map may be outdated.
    pub outdated: Arc<Notify>,
    // A plain mutex: never held across an await.
    routes: Mutex<Arc<Routes>>,
    health: watch::Sender<Health>,
}

impl Cluster {
    pub fn new(parts: Parts, survey: Survey, replicas: usize) -> Self {
        let (outdated, routes) = (Arc::default(), Mutex::default());
        let health = watch::Sender::new(Health::Degraded(NOT_CONNECTED.into()));
        Cluster { parts, survey, replicas, outdated, routes, health }
    }

    pub fn routes(&self) -> Arc<Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// The connection of a shard that works.
    pub fn any_connection(&self) -> Option<Arc<SharedConnection>> {
        let routes = self.routes();
        let mut all = routes.members.iter().map(|member| &member.shard.store.shared);
        all.find(|shared| shared.commands().is_ok()).cloned()
    }

    /// The health of a shard has changed.
    pub fn report_health(&self) {
        // What is reported last is looked up last.
        self.health.send_if_modified(|known| {
            let routes = self.routes();
            let shards = routes.members.iter().map(|member| member.shard.health()).collect();
            let health = combined(shards, routes.map.unassigned());
            let is_new = *known != health;
            *known = health;
            is_new
        });
    }

    /// Runs for as long as the store is open.
    pub async fn refresh_regularly(self: Arc<Self>) {
        loop {
            let _ = timeout(INTERVAL, self.outdated.notified()).await;
            let before = self.routes();
            match self.survey.ask(&before.map.addresses()).await {
                Ok(answers) => self.apply(before.map.updated(answers)).await,
                Err(e) => debug!("no node of the Redis Cluster says who owns the slots: {e}"),
            }
            sleep(PAUSE_MIN).await;
        }
    }

    /// Applies a slot map. Nobody else does so at the same time.
    pub async fn apply(self: &Arc<Self>, map: SlotMap) {
        let before = self.routes();
        if map == before.map {
            return;
        }
        self.survey.forget_all_but(&map.addresses());
        let members = self.members(&before, &map).await;
        let after = Arc::new(Routes::new(map, members));
        let moved = !after.are_as(&before);
        if moved {
            hand_over(&before, &after).await;
        }
        *self.routes.lock().unwrap_or_else(PoisonError::into_inner) = after.clone();
        if moved {
            // What was followed meanwhile.
            hand_over(&before, &after).await;
        }
        for Member { shard, .. } in &before.members {
            if !after.members.iter().any(|member| Arc::ptr_eq(&member.shard, shard)) {
                info!("the Redis shard {} has no slots any more", shard.address());
                shard.store.tail.abandon();
            }
        }
        self.report_health();
    }

    /// The shards of this map: those of before, at their new places, and new ones.
    async fn members(self: &Arc<Self>, before: &Routes, map: &SlotMap) -> Vec<Member> {
        let known: Vec<Primary> = before.members.iter().map(|member| member.primary.clone()).collect();
        let primaries = map.primaries();
        let recognized = recognized(&known, &primaries);
        let mut members = Vec::new();
        for (primary, index) in primaries.into_iter().zip(recognized) {
            let is_owned = |slot| map.owner(slot).is_some_and(|owner| *owner == primary.id);
            let probe_tags = slots::probe_tags(&self.parts.node, is_owned);
            let at = At { address: primary.address.clone(), probe_tags };
            let shard = match index.and_then(|index| before.members.get(index)) {
                Some(Member { primary: old, shard }) => {
                    if old.address != primary.address {
                        info!("the primary of the Redis shard {} is {} now", old.address, primary.address);
                    }
                    shard.update(at).await;
                    shard.clone()
                }
                None => Arc::new(Shard::start(self, at)),
            };
            members.push(Member { primary, shard });
        }
        members
    }
}

/// Passes channels whose slots have moved to the readers of their new shards.
async fn hand_over(before: &Routes, after: &Routes) {
    let mut taken = Vec::new();
    for Member { shard: from, .. } in &before.members {
        let has_moved = |ch: &str| after.of_channel(ch).is_some_and(|to| !Arc::ptr_eq(to, from));
        let mut leaving = from.store.tail.give(has_moved);
        for Member { shard: to, .. } in &after.members {
            let is_here = |ch: &str| after.of_channel(ch).is_some_and(|shard| Arc::ptr_eq(shard, to));
            let arriving: Vec<_> = leaving.extract_if(.., |channel| is_here(channel.ch())).collect();
            if !arriving.is_empty() {
                taken.push((to, to.store.tail.take(arriving)));
            }
        }
    }
    join_all(taken.iter().map(|(shard, keys)| shard.store.tail.compare_taken(keys))).await;
}
