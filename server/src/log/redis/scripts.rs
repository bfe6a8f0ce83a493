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
use crate::log::retention::{KEY_AGE_MIN, POSITION_AGE_MAX};
use crate::log::{After, Append, PageLimit, PositionKey, Retention};
use crate::time::millis;

/// The wake stream of a node that is gone expires after this time.
pub(super) const WAKE_TTL_MS: u64 = 3_600_000;
/// Larger numbers lose precision in Lua.
const EXACT_MAX: u64 = 1 << 53;

/// The scripts, in the order of [`CODE`].
#[derive(Clone, Copy)]
enum Name {
    Append,
    Read,
    State,
    Locate,
    Resume,
    StorePosition,
    Probe,
}

const CODE: [&str; 7] = [
    concat!(include_str!("lua/channel.lua"), include_str!("lua/append.lua")),
    concat!(include_str!("lua/channel.lua"), include_str!("lua/read.lua")),
    concat!(include_str!("lua/channel.lua"), include_str!("lua/state.lua")),
    concat!(include_str!("lua/channel.lua"), include_str!("lua/locate.lua")),
    concat!(include_str!("lua/channel.lua"), include_str!("lua/resume.lua")),
    include_str!("lua/store_position.lua"),
    include_str!("lua/probe.lua"),
];
/// The scripts with their hashes.
static SCRIPTS: LazyLock<[Script; 7]> = LazyLock::new(|| CODE.map(Script::new));

/// The last message of a channel that a node has read, and its epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub epoch: String,
    /// 0 if there was no message.
    pub offset: u64,
    pub id: String,
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

/// `{offset, id, duplicate}`.
pub(super) fn append(append: &Append, retention: Retention) -> Cmd {
    let mut cmd = channel_call(Name::Append, &append.ch, retention);
    cmd.arg(&*append.data).arg(append.key.as_deref().unwrap_or_default());
    cmd
}

/// `{epoch, first, head, {id, offset, 1 if it is of this epoch, data, …}}`.
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
        Some(seen) => cmd.arg(&seen.epoch).arg(seen.offset).arg(&seen.id),
        None => cmd.arg("").arg(0).arg(""),
    };
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

/// `{}` if Redis does everything that the store needs, or `{command, error}`.
pub(super) fn probe(node: &str) -> Cmd {
    let mut cmd = call(Name::Probe, 3);
    cmd.arg(keys::wake(node)).arg(keys::probe_hash(node)).arg(keys::probe_list(node));
    cmd.arg(WAKE_TTL_MS);
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
    cmd.arg(millis(KEY_AGE_MIN));
    cmd
}

fn call(script: Name, keys: usize) -> Cmd {
    let mut cmd = redis::cmd("EVALSHA");
    cmd.arg(SCRIPTS[script as usize].get_hash()).arg(keys);
    cmd
}
