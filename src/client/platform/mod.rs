//! Where the client runs: a page, a native program, or nowhere. A platform has sockets, a timer, a clock, random
//! numbers, a place for tasks, and events that wake a client up. It decides nothing.

#[cfg(not(any(target_arch = "wasm32", feature = "native")))]
mod none;

#[cfg(all(not(target_arch = "wasm32"), feature = "native"))]
pub(crate) use crate::native::{Clock, Lifecycle, Runtime, Settings, Socket, Timer, random, unix_ms};
#[cfg(not(any(target_arch = "wasm32", feature = "native")))]
pub(crate) use none::{Clock, Lifecycle, Runtime, Settings, Socket, Timer, random, unix_ms};

#[cfg(not(target_arch = "wasm32"))]
use super::shared::Shared;
use super::shared::{MaybeSend, MaybeSync};

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::browser::lineage::page_loads;
#[cfg(target_arch = "wasm32")]
pub(crate) use crate::browser::platform::{
    Clock, Lifecycle, Runtime, Settings, Socket, Timer, random, unix_ms,
};

/// What a socket reports, in this order: perhaps `Open`, then frames, then `Closed`.
#[cfg_attr(
    not(any(target_arch = "wasm32", feature = "native")),
    allow(dead_code, reason = "without a platform there are no sockets")
)]
pub(crate) enum Report {
    /// It is open.
    Open,
    /// A text frame.
    Text(String),
    /// A binary frame, which the protocol does not have.
    Binary,
    /// Bytes of a frame that is not complete yet. Reported at most once a second. A page cannot see them.
    #[cfg(not(target_arch = "wasm32"))]
    Part,
    /// It is closed, or never opened: the code, and the reason or the cause.
    Closed(u16, String),
}

/// What happens to a client's surroundings.
#[allow(dead_code, reason = "no platform reports all of them")]
pub(crate) enum PageEvent {
    /// The page or the machine came back.
    Wake,
    /// The page may end soon, or lose its network.
    Hide,
    /// The page enters the back/forward cache.
    Suspend,
    /// Nothing runs any more.
    Ended,
}

/// The page loads of a tab.
pub(crate) trait PageLoads: MaybeSend + MaybeSync {
    /// Their names, this one's first, if there is a place to store them.
    fn names(&self) -> Option<String>;
    /// The client is closed.
    fn end(&self);
    /// Whether it is.
    fn ended(&self) -> bool;
}

/// Only a page has them.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn page_loads(_client_id: &str) -> Option<Shared<dyn PageLoads>> {
    None
}
