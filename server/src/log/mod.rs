//! The log: where messages get their place, and where they are kept.
//!
//! A channel's log numbers its messages without holes from 1 (the *offset*), gives each an id that
//! only grows, and trims itself from the front. [`Store`] is what the rest of the server knows of it;
//! [`embedded::EmbeddedStore`] is the home that needs no other process, [`redis::RedisStore`] the one that
//! many nodes share.

pub mod admin;
pub mod embedded;
pub mod hub;
mod positions;
pub mod redis;

use std::fmt;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use seamline::wire::{MessageId, Position, StartAt};
use tokio::sync::watch;

pub use embedded::retention::Retention;
pub use positions::{Owner, PositionKey, Resumed};

/// A message as it stands in the log. `data` is JSON text; the server never looks inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number in the channel.
    pub offset: u64,
    /// Its id.
    pub id: MessageId,
    /// Its payload: JSON text.
    pub data: Arc<str>,
}

/// What is to be put into the log.
#[derive(Clone, Debug)]
pub struct Append {
    /// The channel.
    pub ch: String,
    /// With a key, the log stores one message per channel and key, however often it is asked.
    pub key: Option<String>,
    /// The payload: JSON text.
    pub data: Arc<str>,
}

/// Where an append ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The message's id.
    pub id: MessageId,
    /// Its offset.
    pub offset: u64,
    /// Whether the key had been used before; then these are the numbers of that first time.
    pub duplicate: bool,
}

/// A channel's log in four numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    /// The random name that the channel got when it was created.
    pub epoch: String,
    /// The offset of the oldest message still there; `head + 1` where there is none.
    pub first: u64,
    /// The offset of the newest message; 0 where there never was one.
    pub head: u64,
}

impl ChannelInfo {
    /// The position at an end of the log.
    fn end(&self, end: StartAt) -> Position {
        let offset = match end {
            StartAt::Start => self.first.saturating_sub(1), // it is at least 1
            StartAt::Tail => self.head,
        };
        Position { epoch: self.epoch.clone(), offset, id: None }
    }
}

/// A contiguous run of messages, and the channel as it was at the moment of reading. It begins at the first message that is
/// there after the place that was asked for, and ends before a hole: one in the place of a message that was deleted. Without
/// messages, although there was room for one, it says that the log has nothing after that place.
#[derive(Clone, Debug)]
pub struct Page {
    /// The channel, in the same snapshot as the messages.
    pub info: ChannelInfo,
    /// The messages, in log order.
    pub messages: Vec<Message>,
}

impl Page {
    /// A page of what was read, in log order, up to the first hole in it.
    fn contiguous(info: ChannelInfo, mut messages: Vec<Message>) -> Self {
        let follows = |pair: &[Message]| pair[0].offset.checked_add(1) == Some(pair[1].offset);
        if let Some(hole) = messages.windows(2).position(|pair| !follows(pair)) {
            messages.truncate(hole + 1);
        }
        Page { info, messages }
    }
}

/// How much a page may hold. A page with room for any message at all holds at least one, however
/// large: otherwise a large message would stop a replay for good.
#[derive(Clone, Copy, Debug)]
pub struct PageLimit {
    /// So many messages.
    pub messages: usize,
    /// So many bytes of payload.
    pub bytes: usize,
}

/// The place after which a page begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// The offset decides.
    pub offset: u64,
    /// The id of that message, if it is known: it may spare a search. A wrong one does no harm.
    pub id: Option<MessageId>,
}

impl From<u64> for After {
    fn from(offset: u64) -> Self {
        After { offset, id: None }
    }
}

/// Why the log could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// It is away, or takes nothing, for the time being. It says so in the server's log itself, once:
    /// whoever is told this need not.
    Unavailable(String),
    /// This channel cannot be used; others can. It says so in the server's log itself, once.
    Channel(String),
    /// Anything else.
    Failed(String),
}

impl StoreError {
    /// Whether it is worth while to wait for the log to recover.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, StoreError::Unavailable(_))
    }

    /// Whether the log has said it in the server's log already.
    pub fn is_reported(&self) -> bool {
        matches!(self, StoreError::Unavailable(_) | StoreError::Channel(_))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Unavailable(why) => write!(f, "the log is not available: {why}"),
            StoreError::Channel(why) => write!(f, "the channel cannot be used: {why}"),
            StoreError::Failed(why) => write!(f, "the log failed: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// How the log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does what it is asked.
    Ok,
    /// It does not, and this is why.
    Degraded(String),
}

/// Resolves when the append is on the disk (or refused).
pub type PendingAppend = BoxFuture<'static, Result<Appended, StoreError>>;

/// What a log can do. The order in which `submit` takes messages is their order in the log.
pub trait Store: Send + Sync {
    /// Takes a message into the queue, waiting for room in it. The ticket resolves when the message
    /// is safe; publications are pipelined by collecting tickets. The message comes to the hub in log
    /// order, before the ticket resolves or soon after.
    fn submit(&self, append: Append) -> BoxFuture<'_, Result<PendingAppend, StoreError>>;

    /// From when this resolves, the hub gets what is put into the channel, in log order, whichever node
    /// put it there: as long as it has listeners for it. They must be there before this is called.
    fn follow<'a>(&'a self, _ch: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        futures::future::ready(Ok(())).boxed()
    }

    /// Reads what comes after a place, from one snapshot. A channel that does not exist is created.
    fn read<'a>(
        &'a self,
        ch: &'a str,
        after: After,
        limit: PageLimit,
    ) -> BoxFuture<'a, Result<Page, StoreError>>;

    /// The channel's numbers. A channel that does not exist is created, so that its epoch is the same
    /// for whoever asks next.
    fn info<'a>(&'a self, ch: &'a str) -> BoxFuture<'a, Result<ChannelInfo, StoreError>>;

    /// The last message whose id is not greater than this one, as a position; offset 0 where all that are there
    /// are younger. A channel that does not exist is created.
    fn locate<'a>(&'a self, ch: &'a str, id: MessageId) -> BoxFuture<'a, Result<Position, StoreError>>;

    /// Tells other nodes of an ephemeral event, if that can be done without waiting. It is not stored.
    fn pass_on_cast(&self, _ch: &str, _data: &str) {}

    /// Drops what retention no longer wants: messages, keys, sync states.
    fn trim(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Where a client resumes in a channel: at the first position that is stored under one of these keys,
    /// which all name that channel; if none is stored, at an end of the log. With several keys, the result is
    /// stored under the first one before this returns, if the log accepts writes at the moment. A channel that
    /// does not exist is created.
    fn resume(
        &self,
        keys: Vec<PositionKey>,
        otherwise: StartAt,
    ) -> BoxFuture<'_, Result<Resumed, StoreError>>;

    /// Stores processed positions. One whose epoch is not the channel's, which lies beyond the head,
    /// or which lies behind the stored one, is ignored.
    fn store_positions(&self, states: Vec<(PositionKey, Position)>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// How it is, and how it will be. A log without such a thing is always well.
    fn health(&self) -> watch::Receiver<Health> {
        watch::Sender::new(Health::Ok).subscribe()
    }

    /// Commits what is queued and ends.
    fn close(&self) -> BoxFuture<'_, ()>;
}
