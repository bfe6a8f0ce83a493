//! The slots of a cluster: each key belongs to one of them, by the part of its name between braces.

use crc::{CRC_16_XMODEM, Crc};

use crate::log::redis::keys;

/// How many slots a cluster has.
pub(super) const COUNT: u16 = 16_384;
/// How many tags a shard's probe may choose from. A slot that is moving rejects its keys for a while.
const PROBE_TAGS: usize = 4;
/// Maximum number of tags that are tried. One in 16,384 hits a certain slot.
const ATTEMPTS_MAX: u32 = 400_000;

static CHECKSUM: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);

/// The slot of a channel's keys.
pub(super) fn of_channel(ch: &str) -> u16 {
    of_tag(&keys::tag(ch))
}

fn of_tag(tag: &str) -> u16 {
    CHECKSUM.checksum(tag.as_bytes()) % COUNT
}

/// Tags for the keys of a node's probe, whose slots are among these.
pub(super) fn probe_tags(node: &str, is_owned: impl Fn(u16) -> bool) -> Vec<String> {
    let tags = (0..ATTEMPTS_MAX).map(|n| format!("{node}:{n}"));
    tags.filter(|tag| is_owned(of_tag(tag))).take(PROBE_TAGS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `CLUSTER KEYSLOT` of Redis.
    #[test]
    fn slots_are_those_of_redis() {
        for (ch, slot) in [("123456789", 12_739), ("foo", 12_182), ("a", 15_495), ("user1000", 3_443)] {
            assert_eq!(of_channel(ch), slot, "{ch}");
        }
    }

    #[test]
    fn a_shard_with_a_single_slot_can_be_probed() {
        let tags = probe_tags("node", |slot| slot == 7);
        assert_eq!(tags.len(), PROBE_TAGS);
        assert!(tags.iter().all(|tag| of_tag(tag) == 7));
        assert!(probe_tags("node", |_| false).is_empty());
    }
}
