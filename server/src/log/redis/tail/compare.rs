//! Comparing the logs with what was read of them, over a new connection or after a read was rejected.

use std::sync::Arc;

use redis::RedisResult;
use redis::aio::MultiplexedConnection;

use super::{State, Tail};
use crate::log::redis::connection::{Unusable, is_cluster_down, is_connection_error, is_redirection};
use crate::log::redis::scripts::{self, Seen};

/// How many channels are compared in one round trip.
const GROUP_MAX: usize = 256;

impl Tail {
    /// Compares all channels with what was read of them. A new connection is used by nobody else before this is done,
    /// so that nothing is appended to a log that has fallen back.
    pub async fn compare_all(
        &self,
        commands: &mut MultiplexedConnection,
        rejects: bool,
    ) -> Result<(), Unusable> {
        let all = self.lock().keys();
        self.compare(commands, &all, rejects).await.map(drop)
    }

    /// Compares some channels. Returns how many were given up because they cannot be read. Fails if none can be read
    /// while Redis rejects something.
    pub(super) async fn compare(
        &self,
        commands: &mut MultiplexedConnection,
        keys: &[Arc<str>],
        rejects: bool,
    ) -> Result<usize, Unusable> {
        let mut unreadable = Vec::new();
        let mut compared = 0;
        for group in keys.chunks(GROUP_MAX) {
            let group = self.seen_of(group);
            let mut pipe = redis::pipe();
            for (_, ch, seen) in &group {
                pipe.add_command(scripts::state(ch, Some(seen), self.retention));
            }
            let states: Vec<RedisResult<State>> = pipe.ignore_errors().query_async(commands).await?;
            compared += group.len();
            let mut replaced = Vec::new();
            for ((key, ch, seen), state) in group.into_iter().zip(states) {
                match state {
                    Ok(state) if state.0 != seen.epoch => replaced.push((key, state)),
                    Ok(_) => {}
                    Err(e) if is_connection_error(&e) || is_cluster_down(&e) => return Err(e.into()),
                    // The slot is moving; the reader finds out when it is here.
                    Err(e) if is_redirection(&e) => compared -= 1,
                    Err(e) => unreadable.push((key, ch, e)),
                }
            }
            if !replaced.is_empty() && !self.shared.is_confirmed(commands).await? {
                return Err(Unusable::Unfit(
                    "a log was replaced, and too few replicas have the new one".into(),
                ));
            }
            replaced.into_iter().for_each(|(key, state)| self.start_over(&key, state));
        }
        if rejects
            && unreadable.len() == compared
            && let Some((_, _, why)) = unreadable.pop()
        {
            return Err(why.into());
        }
        unreadable.iter().for_each(|(key, ch, why)| self.give_up(key, ch, &why.to_string()));
        Ok(unreadable.len())
    }

    /// What was read of these channels, as far as they are still followed.
    fn seen_of(&self, keys: &[Arc<str>]) -> Vec<(Arc<str>, String, Seen)> {
        let mut channels = self.lock();
        let seen = |key: &Arc<str>| {
            let followed = channels.get_mut(key)?;
            Some((key.clone(), followed.ch().to_owned(), followed.seen.clone()))
        };
        keys.iter().filter_map(seen).collect()
    }
}
