//! The scripts that run inside Redis, and the commands that call them.
//!
//! Redis runs a script atomically: no other command runs in between, and the append-only file contains all of its
//! writes or none. The scripts are loaded with each connection and called by their hash. A Redis that does not know one
//! has lost more than that, so the node reconnects.

use std::sync::LazyLock;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisResult, Script, Value};
use seamline::wire::{MessageId, Position, StartAt};

use super::keys;
use crate::log::retention::POSITION_AGE_MAX;
use crate::log::{After, Append, PageLimit, PositionKey, Retention};
use crate::time::millis;

/// What the probe of a node that is gone has left expires after this time.
const PROBE_TTL_MS: u64 = 3_600_000;
/// Published instead of the id of a message, to the nodes that follow a channel.
pub(super) const DELETED: &str = "deleted";
/// Larger numbers lose precision in Lua.
const EXACT_MAX: u64 = 1 << 53;

/// The scripts, in the order of [`CODE`].
#[derive(Clone, Copy)]
enum Name {
    Append,
    Read,
    State,
    Peek,
    Locate,
    Resume,
    StorePosition,
    Delete,
    Trim,
    Probe,
}

const CODE: [&str; 10] = [
    concat!(include_str!("lua/channel.lua"), include_str!("lua/append.lua")),
    concat!(include_str!("lua/existing.lua"), include_str!("lua/channel.lua"), include_str!("lua/read.lua")),
    concat!(include_str!("lua/channel.lua"), include_str!("lua/state.lua")),
    concat!(include_str!("lua/existing.lua"), include_str!("lua/channel.lua"), include_str!("lua/state.lua")),
    concat!(include_str!("lua/channel.lua"), include_str!("lua/locate.lua")),
    concat!(include_str!("lua/channel.lua"), include_str!("lua/resume.lua")),
    include_str!("lua/store_position.lua"),
    include_str!("lua/delete.lua"),
    concat!(include_str!("lua/existing.lua"), include_str!("lua/channel.lua"), include_str!("lua/trim.lua")),
    include_str!("lua/probe.lua"),
];
/// The scripts with their hashes.
static SCRIPTS: LazyLock<[Script; 10]> = LazyLock::new(|| CODE.map(Script::new));

/// The last message of a channel that a node has read, and its epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub epoch: String,
    /// 0 if there was no message.
    pub offset: u64,
    pub id: MessageId,
}

/// Loads the scripts into Redis.
pub(super) async fn load(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    let mut pipe = redis::pipe();
    for code in CODE {
        pipe.cmd("SCRIPT").arg("LOAD").arg(code);
    }
    // Ask for the error of each command: that of the pipeline has no code.
    let loaded: Vec<RedisResult<Value>> = pipe.ignore_errors().query_async(connection).await?;
    loaded.into_iter().try_for_each(|loaded| loaded.map(drop))
}

/// `{offset, id, 0}`; 1 if the key was used before, 2 if it was for another payload.
pub(super) fn append(append: &Append, retention: Retention) -> Cmd {
    let mut cmd = channel_call(Name::Append, &append.ch, retention);
    cmd.arg(&*append.data).arg(append.key.as_deref().unwrap_or_default());
    cmd
}

/// `{epoch, first, head, {id, offset, 1 if it is of this epoch, data, …}}`, or nil if there is no such channel.
pub(super) fn read(ch: &str, after: After, limit: PageLimit, retention: Retention) -> Cmd {
    let mut cmd = channel_call(Name::Read, ch, retention);
    cmd.arg(after.offset.min(EXACT_MAX)).arg(after.id.map(|id| id.text()).unwrap_or_default());
    cmd.arg(limit.messages.min(10_000)).arg(limit.bytes);
    cmd
}

/// `{epoch, first, head, last}`, after starting a new epoch if `seen` is ahead of the log.
pub(super) fn state(ch: &str, seen: Option<&Seen>, retention: Retention) -> Cmd {
    let mut cmd = channel_call(Name::State, ch, retention);
    match seen {
        Some(seen) => cmd.arg(&seen.epoch).arg(seen.offset).arg(seen.id.text()),
        None => cmd.arg("").arg(0).arg(""),
    };
    cmd
}

/// `{epoch, first, head, last}`, or nil if there is no such channel.
pub(super) fn existing_state(ch: &str, retention: Retention) -> Cmd {
    let mut cmd = channel_call(Name::Peek, ch, retention);
    cmd.arg("").arg(0).arg("");
    cmd
}

/// 1 if there was a channel. The nodes that follow it receive [`DELETED`].
pub(super) fn delete(ch: &str) -> Cmd {
    let mut cmd = call(Name::Delete, 4);
    cmd.arg(keys::log(ch)).arg(keys::meta(ch)).arg(keys::idempotency(ch)).arg(keys::idempotency_order(ch));
    cmd.arg(DELETED);
    cmd
}

/// `{epoch, first, head}` after dropping what is older than this id, or nil if there is no such channel.
pub(super) fn trim(ch: &str, epoch: &str, keep_from: MessageId, retention: Retention) -> Cmd {
    let mut cmd = channel_call(Name::Trim, ch, retention);
    cmd.arg(epoch).arg(keep_from.text());
    cmd
}

/// The next cursor, and keys of channels: about as many as `count`, or fewer.
pub(super) fn scan(cursor: u64, count: usize) -> Cmd {
    let mut cmd = redis::cmd("SCAN");
    cmd.arg(cursor).arg("MATCH").arg(keys::ALL_META).arg("COUNT").arg(count);
    cmd
}

/// `{epoch, offset, id}` of the last message whose id is not greater, or `{epoch, 0, ''}`.
pub(super) fn locate(ch: &str, id: MessageId, retention: Retention) -> Cmd {
    let mut cmd = channel_call(Name::Locate, ch, retention);
    cmd.arg(id.text());
    cmd
}

/// `{1, epoch, offset, id}` if a position is stored under one of the keys, which all name the same channel; otherwise
/// `{0, …}` with the start point.
pub(super) fn resume(keys: &[PositionKey], otherwise: StartAt, retention: Retention) -> Cmd {
    let ch = keys.first().map_or("", |key| &key.ch);
    let positions: Vec<_> = keys.iter().map(keys::position).collect();
    let mut cmd = channel_call_with(Name::Resume, ch, &positions, retention);
    cmd.arg(u8::from(otherwise == StartAt::Start)).arg(millis(POSITION_AGE_MAX));
    cmd
}

/// 1 if the position was stored.
pub(super) fn store_position(key: &PositionKey, at: &Position) -> Cmd {
    let mut cmd = call(Name::StorePosition, 2);
    cmd.arg(keys::meta(&key.ch)).arg(keys::position(key));
    cmd.arg(&at.epoch).arg(at.offset).arg(at.id.map(|id| id.text()).unwrap_or_default());
    cmd.arg(millis(POSITION_AGE_MAX));
    cmd
}

/// `{}` if Redis does everything that the store needs, or `{command, error}`. Writes to the keys with this tag, and
/// publishes a wake-up for the node.
pub(super) fn probe(tag: &str, node: &str) -> Cmd {
    let mut cmd = call(Name::Probe, 3);
    cmd.arg(keys::probe_stream(tag)).arg(keys::probe_hash(tag)).arg(keys::probe_list(tag));
    cmd.arg(PROBE_TTL_MS).arg(keys::wake(node));
    cmd
}

/// Changes nothing, but replicas receive it, even if Redis is full, and no file does.
pub(super) fn mark() -> Cmd {
    let mut cmd = redis::cmd("PUBLISH");
    cmd.arg(keys::MARK).arg("");
    cmd
}

/// What replicas of a shard receive: first what works if Redis is full, but only if there is such a key.
pub(super) fn marks_of(tag: &str) -> [Cmd; 2] {
    let (mut keep, mut add) = (redis::cmd("PEXPIRE"), redis::cmd("XADD"));
    keep.arg(keys::probe_stream(tag)).arg(PROBE_TTL_MS);
    add.arg(keys::probe_stream(tag)).arg("MAXLEN").arg(1).arg("*").arg("w").arg(1);
    [keep, add]
}

/// Waits until this many replicas have all that was written before. Returns how many have it, after this time at the
/// latest.
pub(super) fn wait(replicas: usize, ms: u64) -> Cmd {
    let mut cmd = redis::cmd("WAIT");
    cmd.arg(replicas).arg(ms);
    cmd
}

/// Reads what the probe has written.
pub(super) fn try_to_read(tag: &str) -> Cmd {
    let mut cmd = redis::cmd("XREAD");
    cmd.arg("COUNT").arg(1).arg("STREAMS").arg(keys::probe_stream(tag)).arg("0-0");
    cmd
}

/// A call with the keys and arguments of `channel.lua`.
fn channel_call(script: Name, ch: &str, retention: Retention) -> Cmd {
    channel_call_with(script, ch, &[], retention)
}

/// The same with more keys.
fn channel_call_with(script: Name, ch: &str, more: &[String], retention: Retention) -> Cmd {
    let mut cmd = call(script, 4 + more.len());
    cmd.arg(keys::log(ch)).arg(keys::meta(ch)).arg(keys::idempotency(ch)).arg(keys::idempotency_order(ch));
    cmd.arg(more);
    cmd.arg(crate::random::name()).arg(retention.messages).arg(retention.age.map_or(0, millis));
    cmd.arg(millis(retention.keys));
    cmd
}

fn call(script: Name, keys: usize) -> Cmd {
    let mut cmd = redis::cmd("EVALSHA");
    cmd.arg(SCRIPTS[script as usize].get_hash()).arg(keys);
    cmd
}
