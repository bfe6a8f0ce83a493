//! Listing the channels of all shards, one shard after the other.

use super::ClusterStore;
use crate::log::{ChannelList, Store, StoreError};

/// Where a list goes on: by the version of the slot map, the shard, and its own cursor. If the map is another one by
/// then, the list starts over: otherwise it could miss the channels of slots that have moved.
struct Cursor {
    version: u64,
    shard: usize,
    scan: Option<String>,
}

impl Cursor {
    fn parse(text: &str) -> Option<Cursor> {
        let mut parts = text.split('.');
        let version = u64::from_str_radix(parts.next()?, 16).ok()?;
        let shard = parts.next()?.parse().ok()?;
        let scan = match parts.next()? {
            "" => None,
            scan => Some(scan.parse::<u64>().ok()?.to_string()),
        };
        parts.next().is_none().then_some(Cursor { version, shard, scan })
    }

    fn text(&self) -> String {
        let Cursor { version, shard, scan } = self;
        format!("{version:x}.{shard}.{}", scan.as_deref().unwrap_or_default())
    }
}

impl ClusterStore {
    pub(super) async fn list_channels(
        &self,
        cursor: Option<String>,
        max: usize,
    ) -> Result<ChannelList, StoreError> {
        let routes = self.cluster.routes();
        let version = routes.version;
        let given = match cursor {
            Some(text) => Some(Cursor::parse(&text).ok_or(StoreError::BadCursor(text))?),
            None => None,
        };
        let start = Cursor { version, shard: 0, scan: None };
        let Cursor { shard, scan, .. } = given.filter(|given| given.version == version).unwrap_or(start);
        let Some(member) = routes.members.get(shard) else {
            return Ok(ChannelList { channels: Vec::new(), next: None });
        };
        let ChannelList { channels, next } = member.shard.store.list(scan, max).await?;
        let next = match next {
            Some(scan) => Some(Cursor { version, shard, scan: Some(scan) }),
            None => {
                (shard + 1 < routes.members.len()).then_some(Cursor { version, shard: shard + 1, scan: None })
            }
        };
        Ok(ChannelList { channels, next: next.map(|next| next.text()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_the_way_to_the_client() {
        for (scan, text) in [(None, "ff.2."), (Some("17".to_owned()), "ff.2.17")] {
            let cursor = Cursor { version: 255, shard: 2, scan };
            assert_eq!(cursor.text(), text);
            assert_eq!(Cursor::parse(text).unwrap().text(), text);
        }
        for bad in ["", "17", "ff.2", "ff.2.3.4", "x.2.", "ff.-1.", "ff.2.x"] {
            assert!(Cursor::parse(bad).is_none(), "{bad}");
        }
    }
}
