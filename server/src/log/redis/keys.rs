//! The names of the keys in Redis.
//!
//! All keys of a channel contain the channel between braces, so that a Redis Cluster would keep them on one node, where
//! one script may access them.

use crate::log::PositionKey;

/// The prefix of every key.
const PREFIX: &str = "seamline:";

/// All keys, and all pub/sub channels, as the permissions of a user name them.
pub(super) const ALL: &str = "seamline:*";

/// The pub/sub channel (not a key) of the wake-ups that this node's probe publishes. Those of a channel have the name of
/// its [`log`]; see [`tail`](super::tail).
pub(super) fn wake(node: &str) -> String {
    format!("{PREFIX}wake:{node}")
}

/// The stream, the hash and the list that this node's probe writes to. It empties the hash and the list again.
pub(super) fn probe_stream(node: &str) -> String {
    format!("{PREFIX}probe:{node}:stream")
}

pub(super) fn probe_hash(node: &str) -> String {
    format!("{PREFIX}probe:{node}:hash")
}

pub(super) fn probe_list(node: &str) -> String {
    format!("{PREFIX}probe:{node}:list")
}

/// The pub/sub channel (not a key) for ephemeral events between nodes.
pub(super) fn casts(db: i64) -> String {
    format!("{PREFIX}casts:{db}")
}

/// The channel's messages: a stream of `o` (offset), `e` (epoch), `d` (payload). Wake-ups are published under the same
/// name.
pub(super) fn log(ch: &str) -> String {
    format!("{PREFIX}{{{}}}:log", escaped(ch))
}

/// The channel's metadata: a hash of `epoch`, `head`, `last`.
pub(super) fn meta(ch: &str) -> String {
    format!("{PREFIX}{{{}}}:meta", escaped(ch))
}

/// The channel's idempotency keys: a hash from key to offset and id.
pub(super) fn idempotency(ch: &str) -> String {
    format!("{PREFIX}{{{}}}:keys", escaped(ch))
}

/// The same keys in the order of their messages: a list of offset, id and key.
pub(super) fn idempotency_order(ch: &str) -> String {
    format!("{PREFIX}{{{}}}:keyorder", escaped(ch))
}

/// An acknowledged position: a hash of `epoch`, `offset`, `id`.
pub(super) fn position(key: &PositionKey) -> String {
    let PositionKey { user, ch, .. } = key;
    // The length marks the end of the user, whatever the names contain.
    format!("{PREFIX}{{{}}}:sync:{}:{user}:{}", escaped(ch), user.len(), key.client())
}

/// A closing brace in the name would end the part that Redis hashes.
fn escaped(ch: &str) -> String {
    ch.replace('%', "%25").replace('}', "%7D")
}

#[cfg(test)]
mod tests {
    use super::*;

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
