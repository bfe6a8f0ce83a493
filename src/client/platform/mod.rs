//! Where the client runs: a page, a native program, or nowhere. A platform has sockets, a timer, a clock, random
//! numbers, a place for tasks, and events that wake a client up. It decides nothing.

#[cfg(not(any(target_arch = "wasm32", feature = "native")))]
mod none;

#[cfg(all(not(target_arch = "wasm32"), feature = "native"))]
pub(crate) use crate::native::{Clock, Lifecycle, Runtime, Settings, Socket, Timer, random, unix_ms};
#[cfg(not(any(target_arch = "wasm32", feature = "native")))]
pub(crate) use none::{Clock, Lifecycle, Runtime, Settings, Socket, Timer, random, unix_ms};

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::browser::lineage::Lineage;
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

/// Page loads: only a page has them.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) struct Lineage(std::convert::Infallible);

#[cfg(not(target_arch = "wasm32"))]
impl Lineage {
    pub fn new(_client_id: &str) -> Option<Self> {
        None
    }

    pub fn names(&self) -> Option<String> {
        match self.0 {}
    }

    pub fn ended(&self) -> bool {
        match self.0 {}
    }

    pub fn end(&self) {
        match self.0 {}
    }
}
