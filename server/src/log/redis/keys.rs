//! The names of the keys in Redis.
//!
//! All keys of a channel contain the channel between braces, so that a Redis Cluster keeps them on one node, where one
//! script may access them. The same is true of the keys of a probe.

use crate::log::PositionKey;

/// The prefix of every key.
const PREFIX: &str = "seamline:";

/// All keys, and all pub/sub channels, as the permissions of a user name them.
pub(super) const ALL: &str = "seamline:*";

/// Matches the [`meta`] of every channel.
pub(super) const ALL_META: &str = "seamline:{*}:meta";

/// The pub/sub channel (not a key) of what is published only so that replicas confirm it. Nobody subscribes to it.
pub(super) const MARK: &str = "seamline:mark";

/// The pub/sub channel (not a key) of the wake-ups that this node's probe publishes. Those of a channel have the name of
/// its [`log`]; see [`tail`](super::tail).
pub(super) fn wake(node: &str) -> String {
    format!("{PREFIX}wake:{node}")
}

/// The stream, the hash and the list that a probe of this node writes to. It empties the hash and the list again. The
/// tag is the name of the node; in a cluster, a number follows, so that the keys are in a slot of the shard.
pub(super) fn probe_stream(tag: &str) -> String {
    format!("{PREFIX}probe:{{{tag}}}:stream")
}

pub(super) fn probe_hash(tag: &str) -> String {
    format!("{PREFIX}probe:{{{tag}}}:hash")
}

pub(super) fn probe_list(tag: &str) -> String {
    format!("{PREFIX}probe:{{{tag}}}:list")
}

/// The pub/sub channel (not a key) for ephemeral events between nodes.
pub(super) fn casts(db: i64) -> String {
    format!("{PREFIX}casts:{db}")
}

/// The channel's messages: a stream of `o` (offset), `e` (epoch), `d` (payload). Wake-ups are published under the same
/// name.
pub(super) fn log(ch: &str) -> String {
    format!("{PREFIX}{{{}}}:log", tag(ch))
}

/// The channel's metadata: a hash of `epoch`, `head`, `last`.
pub(super) fn meta(ch: &str) -> String {
    format!("{PREFIX}{{{}}}:meta", tag(ch))
}

/// The channel's idempotency keys: a hash from key to offset and id.
pub(super) fn idempotency(ch: &str) -> String {
    format!("{PREFIX}{{{}}}:keys", tag(ch))
}

/// The same keys in the order of their messages: a list of offset, id and key.
pub(super) fn idempotency_order(ch: &str) -> String {
    format!("{PREFIX}{{{}}}:keyorder", tag(ch))
}

/// An acknowledged position: a hash of `epoch`, `offset`, `id`.
pub(super) fn position(key: &PositionKey) -> String {
    let PositionKey { user, ch, .. } = key;
    // The length marks the end of the user, whatever the names contain.
    format!("{PREFIX}{{{}}}:sync:{}:{user}:{}", tag(ch), user.len(), key.client())
}

/// The channel whose [`meta`] this is.
pub(super) fn channel_of(meta: &str) -> Option<String> {
    let escaped = meta.strip_prefix(PREFIX)?.strip_prefix('{')?.strip_suffix("}:meta")?;
    (!escaped.contains('}')).then(|| escaped.replace("%7D", "}").replace("%25", "%"))
}

/// What is between the braces. A closing brace in the name would end the part that Redis hashes.
pub(super) fn tag(ch: &str) -> String {
    ch.replace('%', "%25").replace('}', "%7D")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_found_by_its_metadata() {
        for ch in ["a", "}a{", "%7D", "%257D", "a}:meta", "{a}:meta", "ü:b"] {
            assert_eq!(channel_of(&meta(ch)).as_deref(), Some(ch));
        }
        for foreign in ["a", "seamline:a:meta", "seamline:{a}:sync:1:}:meta", "seamline:{a}:log"] {
            assert_eq!(channel_of(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn names_with_braces_and_colons_stay_distinct() {
        assert_eq!(log("a"), "seamline:{a}:log");
        assert_eq!(log("}a"), "seamline:{%7Da}:log");
        assert_ne!(log("%7Da"), log("}a"));
        let key = |user: &str, client_id: &str| {
            let (user, client_id) = (user.into(), client_id.into());
            position(&PositionKey { user, client_id, page_load: None, ch: "c".into() })
        };
        assert_ne!(key("a:b", "c"), key("a", "b:c"));
    }
}
