//! The names of what is kept in Redis.
//!
//! All keys of a channel have the channel between braces, so that a Redis Cluster would keep them on
//! one node, where one script may touch them.

use crate::log::PositionKey;

/// Before every key.
const PREFIX: &str = "seamline:";

/// A stream that wakes this node's reader; see [`tail`](super::tail).
pub(super) fn wake(node: &str) -> String {
    format!("{PREFIX}wake:{node}")
}

/// A hash and a list that the node's [`probe`](super::probe) writes to, and empties again.
pub(super) fn probe_hash(node: &str) -> String {
    format!("{PREFIX}probe:{node}:hash")
}

pub(super) fn probe_list(node: &str) -> String {
    format!("{PREFIX}probe:{node}:list")
}

/// Where nodes tell each other of ephemeral events: a pub/sub channel, not a key.
pub(super) fn casts(db: i64) -> String {
    format!("{PREFIX}casts:{db}")
}

/// The channel's messages: a stream of `o` (offset), `e` (epoch), `d` (payload).
pub(super) fn log(ch: &str) -> String {
    format!("{PREFIX}{{{}}}:log", escaped(ch))
}

/// The channel's numbers: a hash of `epoch`, `head`, `last`.
pub(super) fn meta(ch: &str) -> String {
    format!("{PREFIX}{{{}}}:meta", escaped(ch))
}

/// Where the channel's idempotency keys ended up: a hash of offset and id by key.
pub(super) fn idempotency(ch: &str) -> String {
    format!("{PREFIX}{{{}}}:keys", escaped(ch))
}

/// Those keys in the order of their messages: a list of offset, id and key.
pub(super) fn idempotency_order(ch: &str) -> String {
    format!("{PREFIX}{{{}}}:keyorder", escaped(ch))
}

/// A processed position: a hash of `epoch`, `offset`, `id`.
pub(super) fn sync(key: &PositionKey) -> String {
    let PositionKey { user, ch, .. } = key;
    // The length tells where the user ends, whatever is in the names.
    format!("{PREFIX}{{{}}}:sync:{}:{user}:{}", escaped(ch), user.len(), key.client())
}

/// A closing brace in the name would end what Redis hashes.
fn escaped(ch: &str) -> String {
    ch.replace('%', "%25").replace('}', "%7D")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_braces_and_colons_do_not_meet() {
        assert_eq!(log("a"), "seamline:{a}:log");
        assert_eq!(log("}a"), "seamline:{%7Da}:log");
        assert_ne!(log("%7Da"), log("}a"));
        let key = |user: &str, client_id: &str| {
            let (user, client_id) = (user.into(), client_id.into());
            sync(&PositionKey { user, client_id, page_load: None, ch: "c".into() })
        };
        assert_ne!(key("a:b", "c"), key("a", "b:c"));
    }
}
