//! The scripts that run inside Redis, and how they are called.
//!
//! Redis runs a script as a whole: nothing comes between its commands, and the append-only file gets
//! all that it writes or nothing of it. They are loaded with each connection and called by their hash,
//! so a Redis that does not know one has forgotten more than that: the connection is made anew.

use std::sync::LazyLock;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisResult, Script, Value};
use seamline::wire::{MessageId, Position, StartAt};

use super::keys;
use crate::log::embedded::retention::{KEY_AGE_MIN, POSITION_AGE_MAX};
use crate::log::{After, Append, PageLimit, PositionKey, Retention};
use crate::time::millis;

/// The wake stream of a node that is gone disappears after so long.
pub(super) const WAKE_TTL_MS: u64 = 3_600_000;
/// Larger numbers lose their last digits in Lua.
const EXACT_MAX: u64 = 1 << 53;

const APPEND: &str = concat!(include_str!("lua/channel.lua"), include_str!("lua/append.lua"));
const READ: &str = concat!(include_str!("lua/channel.lua"), include_str!("lua/read.lua"));
const STATE: &str = concat!(include_str!("lua/channel.lua"), include_str!("lua/state.lua"));
const LOCATE: &str = concat!(include_str!("lua/channel.lua"), include_str!("lua/locate.lua"));
const RESUME: &str = concat!(include_str!("lua/channel.lua"), include_str!("lua/resume.lua"));
const SYNC: &str = include_str!("lua/store_position.lua");
const PROBE: &str = include_str!("lua/probe.lua");

const ALL: [&str; 7] = [APPEND, READ, STATE, LOCATE, RESUME, SYNC, PROBE];
/// The scripts with their hashes.
static HASHES: LazyLock<[Script; 7]> = LazyLock::new(|| ALL.map(Script::new));

/// What a node has seen of a channel: the newest message, and the epoch it belonged to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub epoch: String,
    /// 0 where there was no message.
    pub offset: u64,
    pub id: String,
}

/// Makes Redis know the scripts.
pub(super) async fn load(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    let mut pipe = redis::pipe();
    for code in ALL {
        pipe.cmd("SCRIPT").arg("LOAD").arg(code);
    }
    // Each with its own error: that of a pipeline does not tell its code.
    let loaded: Vec<RedisResult<Value>> = pipe.ignore_errors().query_async(connection).await?;
    loaded.into_iter().try_for_each(|loaded| loaded.map(drop))
}

/// `{offset, id, duplicate}`.
pub(super) fn append(append: &Append, retention: Retention) -> Cmd {
    let [script, ..] = &*HASHES;
    let mut cmd = channel_call(script, &append.ch, retention);
    cmd.arg(&*append.data).arg(append.key.as_deref().unwrap_or_default());
    cmd
}

/// `{epoch, first, head, {id, offset, 1 if it is of this epoch, data, …}}`.
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
    let [_, _, _, script, ..] = &*HASHES;
    let mut cmd = channel_call(script, ch, retention);
    cmd.arg(id.text());
    cmd
}

/// `{1, epoch, offset, id}` if a position was stored under one of the keys, which all name one channel;
/// otherwise `{0, …}` with the start point.
pub(super) fn resume(keys: &[PositionKey], otherwise: StartAt, retention: Retention) -> Cmd {
    let [.., script, _, _] = &*HASHES;
    let ch = keys.first().map_or("", |key| &key.ch);
    let positions: Vec<_> = keys.iter().map(keys::sync).collect();
    let mut cmd = channel_call_with(script, ch, &positions, retention);
    cmd.arg(u8::from(otherwise == StartAt::Start)).arg(millis(POSITION_AGE_MAX));
    cmd
}

/// 1 if the position was stored.
pub(super) fn store_position(key: &PositionKey, at: &Position) -> Cmd {
    let [.., script, _] = &*HASHES;
    let mut cmd = call(script, 2);
    cmd.arg(keys::meta(&key.ch)).arg(keys::sync(key));
    cmd.arg(&at.epoch).arg(at.offset).arg(at.id.map(|id| id.text()).unwrap_or_default());
    cmd.arg(millis(POSITION_AGE_MAX));
    cmd
}

/// `{}` if this Redis does what the log needs, or `{command, error}`.
pub(super) fn probe(node: &str) -> Cmd {
    let [.., script] = &*HASHES;
    let mut cmd = call(script, 3);
    cmd.arg(keys::wake(node)).arg(keys::probe_hash(node)).arg(keys::probe_list(node));
    cmd.arg(WAKE_TTL_MS);
    cmd
}

/// A call with what `channel.lua` takes.
fn channel_call(script: &Script, ch: &str, retention: Retention) -> Cmd {
    channel_call_with(script, ch, &[], retention)
}

/// The same, with more keys.
fn channel_call_with(script: &Script, ch: &str, more: &[String], retention: Retention) -> Cmd {
    let mut cmd = call(script, 4 + more.len());
    cmd.arg(keys::log(ch)).arg(keys::meta(ch)).arg(keys::idempotency(ch)).arg(keys::idempotency_order(ch));
    cmd.arg(more);
    cmd.arg(crate::random::name()).arg(retention.messages).arg(retention.age.map_or(0, millis));
    cmd.arg(millis(KEY_AGE_MIN));
    cmd
}

fn call(script: &Script, keys: usize) -> Cmd {
    let mut cmd = redis::cmd("EVALSHA");
    cmd.arg(script.get_hash()).arg(keys);
    cmd
}
