//! The counters of a session.

/// The counters of a session since it was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(not(all(target_arch = "wasm32", feature = "js-texts")), derive(serde::Serialize))]
pub struct Stats {
    /// Connections on which the server sent `welcome`.
    pub connects: u64,
    /// Messages received: the sum of the next three, plus the messages buffered during a replay.
    pub received: u64,
    /// Messages delivered to the application.
    pub delivered: u64,
    /// Messages dropped because they were delivered before: the overlap at the seam.
    pub duplicates: u64,
    /// Messages dropped before their turn. The log brings them again.
    pub discarded: u64,
    /// Holes that a second replay filled.
    pub repairs: u64,
    /// Gaps reported.
    pub gaps: u64,
    /// Publications that the log has stored.
    pub published: u64,
}
