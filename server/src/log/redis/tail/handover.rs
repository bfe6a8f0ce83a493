//! A channel goes to another reader when its slot moves to another shard of a cluster. The other reader goes on where
//! this one stopped, so the channel's listeners notice nothing.

use std::sync::Arc;

use super::Tail;
use super::followed::{Followed, Why};
use crate::log::redis::keys;

/// A channel that changes its reader.
pub(in crate::log::redis) struct Leaving {
    key: Arc<str>,
    followed: Followed,
}

impl Leaving {
    pub fn ch(&self) -> &str {
        self.followed.ch()
    }
}

impl Tail {
    /// Stops following these channels. What this reader is reading of them at the moment is discarded.
    pub fn give(&self, is_leaving: impl Fn(&str) -> bool) -> Vec<Leaving> {
        let mut channels = self.lock();
        let leaving: Vec<Arc<str>> = channels.keys_where(is_leaving);
        let given = leaving
            .into_iter()
            .filter_map(|key| Some(Leaving { followed: channels.remove(&key)?, key }))
            .collect();
        drop(channels);
        self.to_subscribe.notify_one();
        given
    }

    /// Follows channels of another reader, from where that one stopped. Returns what to pass to
    /// [`compare_taken`](Self::compare_taken).
    pub fn take(&self, arriving: Vec<Leaving>) -> Vec<Arc<str>> {
        let keys: Vec<Arc<str>> = arriving.iter().map(|channel| channel.key.clone()).collect();
        let mut channels = self.lock();
        for Leaving { key, followed } in arriving {
            let _ = channels.follow(&key, followed.unqueued()); // if it is followed, its reader is here already
            channels.queue(&key, Why::CatchUp);
        }
        drop(channels);
        self.to_subscribe.notify_one();
        self.to_read.notify_one();
        keys
    }

    /// As after a reconnect, a log that is not the one that was read starts over, before anything is appended to it.
    /// Without a connection, the next one does that.
    pub async fn compare_taken(&self, keys: &[Arc<str>]) {
        if let Ok(commands) = self.shared.commands() {
            // If that fails, the connection does not last, or the slot is not here yet.
            let _ = self.compare(&mut commands.into_connection(), keys, false).await;
        }
    }

    /// Stops following a channel. Its listeners, if there are any, have another reader.
    pub fn unfollow(&self, ch: &str) {
        self.lock().remove(&keys::log(ch));
        self.to_subscribe.notify_one();
    }

    /// Stops following all channels, which have no shard any more. Their listeners read the log again, and wait.
    pub fn abandon(&self) {
        for channel in self.give(|_| true) {
            self.hub.reset(channel.ch());
        }
    }
}
