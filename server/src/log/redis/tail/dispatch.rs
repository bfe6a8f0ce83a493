//! Dispatching entries to the hub, after checking that they go on from what was read.

use std::collections::VecDeque;

use super::{State, Tail};
use crate::log::StoreError;
use crate::log::redis::entry;
use crate::log::redis::scripts::{self, Seen};

/// The next entry of this channel does not go on from what was read.
struct Discontinuity {
    ch: String,
    seen: Seen,
}

impl Tail {
    /// Passes the entries of one stream to the hub. At an entry that does not go on from what was read, the log has
    /// been replaced, or messages were deleted from it, or the entry is foreign: the state of the log shows which.
    pub(super) async fn dispatch(&self, key: &str, entries: Vec<entry::Raw>) -> Result<(), StoreError> {
        let mut entries = entries.into();
        let mut head = None;
        while let Some(Discontinuity { ch, seen }) = self.publish(key, &mut entries, head) {
            let state: Result<State, _> =
                self.shared.run_now(&scripts::state(&ch, Some(&seen), self.retention)).await;
            match state {
                Ok(state) if state.0 == seen.epoch => head = Some(state.2),
                Ok(state) => {
                    self.start_over(key, state);
                    return Ok(());
                }
                Err(StoreError::Failed(why)) => {
                    self.give_up(key, &ch, &why);
                    return Ok(());
                }
                // The slot is moving, or the connection is broken, which ends the reader as well.
                Err(StoreError::Unavailable(_)) if self.shared.is_shard() => {
                    self.lock().put_off(key);
                    return Ok(());
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Publishes entries up to a discontinuity. With a head, the log is known to be the same since these entries were
    /// read; then an entry beyond the head, or behind what was read, is foreign.
    fn publish(
        &self,
        key: &str,
        entries: &mut VecDeque<entry::Raw>,
        head: Option<u64>,
    ) -> Option<Discontinuity> {
        let mut channels = self.lock();
        let followed = channels.get_mut(key)?;
        while let Some(raw) = entries.front() {
            let Some(id) = entry::id(raw) else {
                entries.pop_front(); // never: Redis does not accept such ids
                continue;
            };
            let seen = &mut followed.seen;
            let next = seen.offset + 1;
            match entry::parse(raw) {
                Some((epoch, message))
                    if epoch == seen.epoch && (next..=head.unwrap_or(next)).contains(&message.offset) =>
                {
                    (seen.offset, seen.id) = (message.offset, id);
                    followed.read_to = id;
                    self.hub.publish(followed.ch(), message);
                }
                Some(_) if head.is_none() => {
                    return Some(Discontinuity { ch: followed.ch().to_owned(), seen: followed.seen.clone() });
                }
                _ => followed.skip(id),
            }
            entries.pop_front();
        }
        None
    }
}
