//! Listing, deleting and trimming channels.

use seamline::wire::MessageId;

use super::broken_channels::Operation;
use super::{RedisStore, keys, scripts};
use crate::log::{After, ChannelInfo, ChannelList, PageLimit, Store, StoreError};

/// How many keys Redis looks at in one `SCAN`. It serves nobody else meanwhile.
const SCAN_COUNT: usize = 1000;
/// How many scans a page takes at most. With many acknowledged positions, most keys are no channels.
const SCANS_MAX: usize = 100;

impl RedisStore {
    pub(super) async fn list_channels(
        &self,
        cursor: Option<String>,
        max: usize,
    ) -> Result<ChannelList, StoreError> {
        let mut at = match cursor {
            Some(cursor) => cursor.parse().map_err(|_| StoreError::BadCursor(cursor))?,
            None => 0,
        };
        let mut channels = Vec::new();
        for _ in 0..SCANS_MAX {
            let scan = scripts::scan(at, SCAN_COUNT.min(max.max(1)));
            let (next, found): (u64, Vec<Vec<u8>>) = self.shared.run(&scan).await?;
            let name = |key: Vec<u8>| keys::channel_of(std::str::from_utf8(&key).ok()?);
            channels.extend(found.into_iter().filter_map(name));
            at = next;
            if at == 0 || channels.len() >= max {
                break;
            }
        }
        Ok(ChannelList { channels, next: (at != 0).then(|| at.to_string()) })
    }

    pub(super) async fn delete_channel(&self, ch: &str) -> Result<bool, StoreError> {
        let existed: u8 =
            self.parts.broken.note(ch, Operation::Delete, self.shared.run(&scripts::delete(ch)).await)?;
        Ok(existed == 1)
    }

    pub(super) async fn trim_through(
        &self,
        ch: &str,
        through: u64,
    ) -> Result<Option<ChannelInfo>, StoreError> {
        let Some(state) = self.peek(ch).await? else { return Ok(None) };
        // Offsets do not change, so what is found here is right when the script runs, unless the epoch is another one.
        let next = match through < state.info.head {
            true => self.read(ch, After::from(through), PageLimit { messages: 1, bytes: 0 }).await?,
            false => None,
        };
        let next = next.and_then(|page| page.messages.first().map(|message| message.id));
        let Some(keep_from) = next.or_else(|| state.last_id.map(after)) else { return Ok(Some(state.info)) };
        let trim = scripts::trim(ch, &state.info.epoch, keep_from, self.parts.retention);
        let trimmed: Option<(String, u64, u64)> =
            self.parts.broken.note(ch, Operation::Delete, self.shared.run(&trim).await)?;
        Ok(trimmed.map(|(epoch, first, head)| ChannelInfo { epoch, first, head }))
    }
}

/// The least id that is greater.
fn after(id: MessageId) -> MessageId {
    match id.seq.checked_add(1) {
        Some(seq) => MessageId { seq, ..id },
        None => MessageId { ms: id.ms.saturating_add(1), seq: 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_id_is_the_least_that_is_greater() {
        let next = |ms, seq| after(MessageId { ms, seq }).to_string();
        assert_eq!(next(5, 1), "5-2");
        assert_eq!(next(5, u64::MAX), "6-0");
    }
}
