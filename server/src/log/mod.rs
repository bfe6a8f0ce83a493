//! The store: it holds one log per channel.
//!
//! A channel's log numbers its messages from 1 without holes (the *offset*), gives each an id that only grows, and
//! trims itself from the front. [`Store`] is the interface for the rest of the server. [`embedded::EmbeddedStore`]
//! needs no other process; many nodes share a store that [`redis::open`] opens.

pub mod admin;
pub mod embedded;
pub mod history;
pub mod hub;
mod positions;
pub mod redis;
mod retention;

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use seamline::wire::{MessageId, Position, StartAt};
use tokio::sync::watch;

pub use positions::{Owner, PositionKey, Resumed};
pub use retention::Retention;

use crate::trace;

/// A message in a log. The server never looks into the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number in the channel.
    pub offset: u64,
    /// Its id, which grows with the offset.
    pub id: MessageId,
    /// The payload: JSON text.
    pub data: Arc<str>,
}

/// A message to append to a log.
#[derive(Clone, Debug)]
pub struct Append {
    /// The channel.
    pub ch: String,
    /// The idempotency key. A log stores one message per key, however often it is appended. As long as it has that
    /// message, another payload under the same key is rejected.
    pub key: Option<String>,
    /// The payload: JSON text.
    pub data: Arc<str>,
    /// What it belongs to in a trace.
    pub trace: trace::Context,
}

/// The result of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The message's id.
    pub id: MessageId,
    /// Its offset.
    pub offset: u64,
    /// Whether the key was used before; id and offset are then those of the first append.
    pub duplicate: bool,
}

/// The extent of a channel's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    /// The random name that the log got when it was created.
    pub epoch: String,
    /// The offset of the oldest message that is kept; `head + 1` if there is none.
    pub first: u64,
    /// The offset of the newest message ever appended; 0 if there was none.
    pub head: u64,
}

impl ChannelInfo {
    /// The position at the start or the end of the log.
    fn end(&self, end: StartAt) -> Position {
        let offset = match end {
            StartAt::Start => self.first.saturating_sub(1), // it is at least 1
            StartAt::Tail => self.head,
        };
        Position { epoch: self.epoch.clone(), offset, id: None }
    }
}

/// A channel that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelState {
    /// The extent of its log.
    pub info: ChannelInfo,
    /// The newest id ever assigned; `None` if there was no message.
    pub last_id: Option<MessageId>,
}

/// Contiguous messages, and the extent of the log at the moment of reading. A page starts at the first message after
/// the requested offset, and ends before a hole that a deleted message has left. If it is empty although the limit
/// allows messages, the log has none after that offset.
#[derive(Clone, Debug)]
pub struct Page {
    /// The channel, in the same snapshot as the messages.
    pub info: ChannelInfo,
    /// The messages, in log order.
    pub messages: Vec<Message>,
}

impl Page {
    /// A page of messages in log order, truncated before the first hole.
    fn contiguous(info: ChannelInfo, mut messages: Vec<Message>) -> Self {
        let follows = |pair: &[Message]| pair[0].offset.checked_add(1) == Some(pair[1].offset);
        if let Some(hole) = messages.windows(2).position(|pair| !follows(pair)) {
            messages.truncate(hole + 1);
        }
        Page { info, messages }
    }
}

/// Some of the channels, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelList {
    /// Their names.
    pub channels: Vec<String>,
    /// The cursor of the next page; `None` after the last one.
    pub next: Option<String>,
}

/// The maximum size of a page. Unless it excludes messages altogether, a page has at least one, however large:
/// otherwise a large message would block a replay for good.
#[derive(Clone, Copy, Debug)]
pub struct PageLimit {
    /// Number of messages.
    pub messages: usize,
    /// Bytes of payload.
    pub bytes: usize,
}

/// The message after which a page begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// Its offset, which decides.
    pub offset: u64,
    /// Its id, if known: a hint that may save a search. A wrong one does no harm.
    pub id: Option<MessageId>,
}

impl From<u64> for After {
    fn from(offset: u64) -> Self {
        After { offset, id: None }
    }
}

/// Why an operation of the store failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The store is unreachable, or accepts no writes, for the time being. The store itself logs this once; callers
    /// need not.
    Unavailable(String),
    /// The idempotency key belongs to a message with another payload.
    KeyConflict,
    /// This store has not returned this cursor.
    BadCursor(String),
    /// This channel cannot be used; others can. The store itself logs this once.
    Channel(String),
    /// Anything else.
    Failed(String),
}

impl StoreError {
    /// Whether a later attempt may succeed.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, StoreError::Unavailable(_))
    }

    /// Whether nothing has to log this error: the store has, or it is the publisher's.
    pub fn is_reported(&self) -> bool {
        !matches!(self, StoreError::Failed(_))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Unavailable(why) => write!(f, "the store is unavailable: {why}"),
            StoreError::KeyConflict => f.write_str("the key belongs to a message with another payload"),
            StoreError::BadCursor(cursor) => {
                write!(f, "the cursor {cursor:?} is invalid: use the `next` of the page before")
            }
            StoreError::Channel(why) => write!(f, "the channel cannot be used: {why}"),
            StoreError::Failed(why) => write!(f, "the store reported an error: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// The health of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It reads and writes.
    Ok,
    /// A part of the channels cannot be used, for this reason; the others can.
    Partial(String),
    /// It is unreachable, or accepts no writes, for this reason.
    Degraded(String),
}

/// A part of a store that can fail by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardState {
    /// Where it is at present.
    pub address: String,
    /// Whether it reads and writes.
    pub is_up: bool,
}

/// An append under way: resolves when the message is stored durably, or rejected.
pub type PendingAppend = BoxFuture<'static, Result<Appended, StoreError>>;

/// The logs of all channels. Messages enter a log in the order in which `submit` queues them.
pub trait Store: Send + Sync {
    /// Queues a message, and waits while the queue is full. Callers pipeline publications by collecting the pending
    /// appends. The message reaches the hub in log order, before its append resolves or soon after.
    fn submit(&self, append: Append) -> BoxFuture<'_, Result<PendingAppend, StoreError>>;

    /// The extent of the channel's log. Every message beyond its head reaches the hub in log order, whichever node
    /// appended it, for as long as the channel has listeners. The hub must have a listener before this is called. A
    /// missing channel is created.
    fn follow<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<ChannelInfo, StoreError>> {
        self.info(ch)
    }

    /// Reads the messages after a message, from one snapshot; `None` if there is no such channel, which is not created.
    fn read<'a>(
        &'a self,
        ch: &'a str,
        after: After,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<Option<Page>, StoreError>>;

    /// The extent of the channel's log. A missing channel is created, so that its epoch is the same for the next
    /// caller.
    fn info<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<ChannelInfo, StoreError>>;

    /// The state of the channel; `None` if there is no such channel, which is not created.
    fn peek<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<Option<ChannelState>, StoreError>>;

    /// The position of the last message whose id is not greater than this one; offset 0 if all messages are newer. A
    /// missing channel is created.
    fn locate<'a>(&'a self, ch: &'a str, id: MessageId) -> BoxFuture<'a, Result<Position, StoreError>>;

    /// Sends an ephemeral event to the other nodes, unless that would block. The event is not stored.
    fn pass_on_cast(&self, _ch: &str, _data: &str) {}

    /// Some of the channels: about as many as `max`, or fewer. The first page has no cursor. Each channel is in one of
    /// the pages at least, unless it is created or deleted meanwhile.
    fn list(&self, cursor: Option<String>, max: usize) -> BoxFuture<'_, Result<ChannelList, StoreError>>;

    /// Deletes a channel with its messages and keys; returns whether there was one. Acknowledged positions stay, so
    /// that clients learn that the log was replaced. Its live streams end: a subscription creates the channel again,
    /// with a new epoch.
    fn delete<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Drops the messages of a channel up to this offset. Returns its extent then; `None` if there is no such channel,
    /// which is not created.
    fn trim_channel<'a>(
        &'a self,
        ch: &'a str,
        through: u64,
    ) -> BoxFuture<'a, Result<Option<ChannelInfo>, StoreError>>;

    /// Drops messages, keys and acknowledged positions that are past their retention, and what deleted channels have
    /// left.
    fn trim(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Where a client resumes in a channel: at the first position stored under one of these keys, which all name that
    /// channel; if none is stored, at the start or the end of the log. With several keys, the result is stored under
    /// the first one before this returns, if the store accepts writes at the moment. A missing channel is created.
    fn resume(
        &self,
        keys: Vec<PositionKey>,
        otherwise: StartAt,
    ) -> BoxFuture<'_, Result<Resumed, StoreError>>;

    /// Stores acknowledged positions. A position is ignored if its epoch is not the channel's, if it is beyond the
    /// head, or if it is behind the stored one.
    fn store_positions(
        &self,
        positions: Vec<(PositionKey, Position)>,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// The health of the store, now and later. It is always `Ok` unless the store says otherwise.
    fn health(&self) -> watch::Receiver<Health> {
        watch::Sender::new(Health::Ok).subscribe()
    }

    /// The shards of the store; `None` if it has none.
    fn shards(&self) -> Option<Vec<ShardState>> {
        None
    }

    /// Counts the reads that found messages which no other node had announced; `None` if the store needs no announcements.
    fn missed_wakeups(&self) -> Option<Counter> {
        None
    }

    /// How long commands to Redis take; `None` if the store has none.
    fn redis_command_seconds(&self) -> Option<Histogram> {
        None
    }

    /// The size of the store's files on this machine; `None` if they are elsewhere.
    fn bytes(&self) -> Option<u64> {
        None
    }

    /// Commits what is queued and shuts down.
    fn close(&self) -> BoxFuture<'_, ()>;
}
