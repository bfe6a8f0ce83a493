//! The scripts that run inside Redis, and how they are called.
//!
//! Redis runs a script as a whole: nothing comes between its commands, and the append-only file gets
//! all that it writes or nothing of it. They are loaded with each connection and called by their hash,
//! so a Redis that does not know one has forgotten more than that: the connection is made anew.

use std::sync::LazyLock;

use redis::{Cmd, Pipeline, Script};
use seamline::core::position::{MessageId, Position};

use super::keys;
use crate::log::retention::{KEY_AGE_MIN, SYNC_AGE_MAX};
use crate::log::{After, Append, PageLimit, Retention, SyncKey};
use crate::time::millis;

/// Larger numbers lose their last digits in Lua.
const EXACT_MAX: u64 = 1 << 53;

const APPEND: &str = concat!(include_str!("lua/channel.lua"), include_str!("lua/append.lua"));
const READ: &str = concat!(include_str!("lua/channel.lua"), include_str!("lua/read.lua"));
const STATE: &str = concat!(include_str!("lua/channel.lua"), include_str!("lua/state.lua"));
const LOCATE: &str = concat!(include_str!("lua/channel.lua"), include_str!("lua/locate.lua"));
const SYNC: &str = include_str!("lua/sync.lua");

/// The scripts with their hashes.
static HASHES: LazyLock<[Script; 5]> = LazyLock::new(|| [APPEND, READ, STATE, LOCATE, SYNC].map(Script::new));

/// What a node has seen of a channel: the newest message, and the epoch it belonged to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub epoch: String,
    /// 0 where there was no message.
    pub offset: u64,
    pub id: String,
}

/// Makes Redis know the scripts.
pub(super) fn load() -> Pipeline {
    let mut pipe = redis::pipe();
    for code in [APPEND, READ, STATE, LOCATE, SYNC] {
        pipe.cmd("SCRIPT").arg("LOAD").arg(code).ignore();
    }
    pipe
}

/// `{offset, id, duplicate}`.
pub(super) fn append(append: &Append, retention: Retention) -> Cmd {
    let [script, ..] = &*HASHES;
    let key = keys::idempotency(append);
    let mut cmd = call(script, 2 + usize::from(key.is_some()));
    cmd.arg(keys::log(&append.ch)).arg(keys::meta(&append.ch)).arg(key);
    channel_args(&mut cmd, retention);
    let key_age = retention.age.unwrap_or_default().max(KEY_AGE_MIN);
    cmd.arg(&*append.data).arg(millis(key_age));
    cmd
}

/// `{epoch, first, head, {id, offset, data, …}}`.
pub(super) fn read(ch: &str, after: After, limit: PageLimit, retention: Retention) -> Cmd {
    let [_, script, ..] = &*HASHES;
    let mut cmd = channel_call(script, ch, retention);
    cmd.arg(after.offset.min(EXACT_MAX)).arg(after.id.map(|id| id.text()).unwrap_or_default());
    cmd.arg(limit.messages.min(10_000)).arg(limit.bytes);
    cmd
}

/// `{epoch, first, head, last}`, after beginning a new epoch if `seen` is ahead of the log.
pub(super) fn state(ch: &str, seen: Option<&Seen>, retention: Retention) -> Cmd {
    let [_, _, script, ..] = &*HASHES;
    let mut cmd = channel_call(script, ch, retention);
    match seen {
        Some(seen) => cmd.arg(&seen.epoch).arg(seen.offset).arg(&seen.id),
        None => cmd.arg("").arg(0).arg(""),
    };
    cmd
}

/// `{epoch, offset, id}` of the last message that is not younger than an id, or `{epoch, 0, ''}`.
pub(super) fn locate(ch: &str, id: MessageId, retention: Retention) -> Cmd {
    let [_, _, _, script, _] = &*HASHES;
    let mut cmd = channel_call(script, ch, retention);
    cmd.arg(id.text());
    cmd
}

/// 1 if the position was stored.
pub(super) fn store_sync(key: &SyncKey, at: &Position) -> Cmd {
    let [.., script] = &*HASHES;
    let mut cmd = call(script, 2);
    cmd.arg(keys::meta(&key.ch)).arg(keys::sync(key));
    cmd.arg(&at.epoch).arg(at.offset).arg(at.id.map(|id| id.text()).unwrap_or_default());
    cmd.arg(millis(SYNC_AGE_MAX));
    cmd
}

fn channel_call(script: &Script, ch: &str, retention: Retention) -> Cmd {
    let mut cmd = call(script, 2);
    cmd.arg(keys::log(ch)).arg(keys::meta(ch));
    channel_args(&mut cmd, retention);
    cmd
}

/// What `channel.lua` takes.
fn channel_args(cmd: &mut Cmd, retention: Retention) {
    cmd.arg(crate::random::name()).arg(retention.messages).arg(retention.age.map_or(0, millis));
}

fn call(script: &Script, keys: usize) -> Cmd {
    let mut cmd = redis::cmd("EVALSHA");
    cmd.arg(script.get_hash()).arg(keys);
    cmd
}
