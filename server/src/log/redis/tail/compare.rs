//! Comparing the logs with what was read of them, over a new connection or after a read was rejected.

use redis::RedisResult;
use redis::aio::MultiplexedConnection;

use super::{State, Tail};
use crate::log::redis::connection::{Unusable, is_connection_error};
use crate::log::redis::scripts::{self, Seen};

/// How many channels are compared in one round trip.
const GROUP_MAX: usize = 256;

impl Tail {
    /// Compares all channels with what was read of them. A new connection is used by nobody else before this is done,
    /// so that nothing is appended to a log that has fallen back. Returns how many channels were given up because they
    /// cannot be read. Fails if none can be read while Redis rejects something.
    pub async fn compare(
        &self,
        commands: &mut MultiplexedConnection,
        rejects: bool,
    ) -> Result<usize, Unusable> {
        let followed: Vec<(String, String, Seen)> = {
            let channels = self.lock();
            channels.iter().map(|(key, at)| (key.clone(), at.ch.clone(), at.seen.clone())).collect()
        };
        let mut unreadable = Vec::new();
        for group in followed.chunks(GROUP_MAX) {
            let mut pipe = redis::pipe();
            for (_, ch, seen) in group {
                pipe.add_command(scripts::state(ch, Some(seen), self.retention));
            }
            let states: Vec<RedisResult<State>> = pipe.ignore_errors().query_async(commands).await?;
            for ((key, ch, seen), state) in group.iter().zip(states) {
                match state {
                    Ok(state) if state.0 != seen.epoch => self.start_over(key, state),
                    Ok(_) => {}
                    Err(e) if is_connection_error(&e) => return Err(e.into()),
                    Err(e) => unreadable.push((key, ch, e)),
                }
            }
        }
        if rejects
            && unreadable.len() == followed.len()
            && let Some((_, _, why)) = unreadable.pop()
        {
            return Err(why.into());
        }
        unreadable.iter().for_each(|(key, ch, why)| self.give_up(key, ch, &why.to_string()));
        Ok(unreadable.len())
    }
}
