//! The store in a Redis Cluster: a shard has some of the channels, and is a [store](super::RedisStore) of its own.
//!
//! This module decides only which shard an operation goes to, and keeps that up to date ([`refresh`]). All keys of a
//! channel are in one slot, so an operation on a channel needs one shard. While a slot moves, Redis rejects commands
//! for keys that are not there; these operations are `Unavailable`, and callers try again.

mod health;
mod list;
mod map;
mod nodes;
mod open;
pub(super) mod place;
mod refresh;
mod routes;
mod shard;
mod slots;
mod survey;

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt, join_all, ready};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use seamline::wire::{MessageId, Position, StartAt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::refresh::Cluster;
use self::shard::Shard;
use super::casts::Casts;
use crate::log::{
    After, Append, ChannelInfo, ChannelList, ChannelState, Health, Page, PageLimit, PendingAppend,
    PositionKey, Resumed, ShardState, Store, StoreError,
};

/// See the module.
pub(super) struct ClusterStore {
    cluster: Arc<Cluster>,
    casts: Casts,
    refreshing: JoinHandle<()>,
}

impl Drop for ClusterStore {
    fn drop(&mut self) {
        self.refreshing.abort();
    }
}

impl ClusterStore {
    fn shard(&self, ch: &str) -> Result<Arc<Shard>, StoreError> {
        self.cluster.routes().shard(ch)
    }
}

impl Store for ClusterStore {
    fn submit(&self, append: Append) -> BoxFuture<'_, Result<PendingAppend, StoreError>> {
        async move { self.shard(&append.ch)?.store.submit(append).await }.boxed()
    }

    fn follow<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<ChannelInfo, StoreError>> {
        async move {
            let mut shard = self.shard(ch)?;
            loop {
                let followed = shard.store.follow(ch).await;
                let now = self.shard(ch);
                if now.as_ref().is_ok_and(|now| Arc::ptr_eq(now, &shard)) {
                    return followed;
                }
                // The slot has moved meanwhile, and maybe before its shard could have passed this channel on.
                shard.store.tail.unfollow(ch);
                shard = now?;
            }
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        ch: &'a str,
        after: After,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<Option<Page>, StoreError>> {
        async move { self.shard(ch)?.store.read(ch, after, limit).await }.boxed()
    }

    fn info<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<ChannelInfo, StoreError>> {
        async move { self.shard(ch)?.store.info(ch).await }.boxed()
    }

    fn peek<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<Option<ChannelState>, StoreError>> {
        async move { self.shard(ch)?.store.peek(ch).await }.boxed()
    }

    fn locate<'a>(&'a self, ch: &'a str, id: MessageId) -> BoxFuture<'a, Result<Position, StoreError>> {
        async move { self.shard(ch)?.store.locate(ch, id).await }.boxed()
    }

    fn list(&self, cursor: Option<String>, max: usize) -> BoxFuture<'_, Result<ChannelList, StoreError>> {
        self.list_channels(cursor, max).boxed()
    }

    fn delete<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        async move { self.shard(ch)?.store.delete(ch).await }.boxed()
    }

    fn trim_channel<'a>(
        &'a self,
        ch: &'a str,
        through: u64,
    ) -> BoxFuture<'a, Result<Option<ChannelInfo>, StoreError>> {
        async move { self.shard(ch)?.store.trim_channel(ch, through).await }.boxed()
    }

    /// Nothing to do, as in a single Redis.
    fn trim(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        ready(Ok(())).boxed()
    }

    fn pass_on_cast(&self, ch: &str, data: &str) {
        self.casts.pass_on(ch, data);
    }

    fn resume(
        &self,
        keys: Vec<PositionKey>,
        otherwise: StartAt,
    ) -> BoxFuture<'_, Result<Resumed, StoreError>> {
        async move {
            let ch = keys.first().map_or("", |key| &key.ch);
            self.shard(ch)?.store.resume(keys, otherwise).await
        }
        .boxed()
    }

    fn store_positions(
        &self,
        positions: Vec<(PositionKey, Position)>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            type Group = Vec<(PositionKey, Position)>;
            let routes = self.cluster.routes();
            let mut groups: Vec<(Arc<Shard>, Group)> = Vec::new();
            let mut result = Ok(());
            for (key, position) in positions {
                match routes.shard(&key.ch) {
                    Ok(shard) => match groups.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &shard)) {
                        Some((_, group)) => group.push((key, position)),
                        None => groups.push((shard, vec![(key, position)])),
                    },
                    Err(e) => result = Err(e),
                }
            }
            let store = async |(shard, group): (Arc<Shard>, Group)| shard.store.store_positions(group).await;
            join_all(groups.into_iter().map(store)).await.into_iter().fold(result, Result::and)
        }
        .boxed()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.cluster.health()
    }

    fn shards(&self) -> Option<Vec<ShardState>> {
        let routes = self.cluster.routes();
        let state = |shard: &Shard| ShardState {
            address: shard.address().to_string(),
            is_up: shard.health() == Health::Ok,
        };
        Some(routes.members.iter().map(|member| state(&member.shard)).collect())
    }

    fn missed_wakeups(&self) -> Option<Counter> {
        Some(self.cluster.parts.missed_wakeups.clone())
    }

    fn redis_command_seconds(&self) -> Option<Histogram> {
        Some(self.cluster.parts.command_seconds.clone())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.refreshing.abort();
            let routes = self.cluster.routes();
            join_all(routes.members.iter().map(|member| member.shard.store.close())).await;
        }
        .boxed()
    }
}
