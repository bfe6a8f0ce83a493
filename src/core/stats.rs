//! What a session counts.

/// What a session has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Welcomes: connections that came about.
    pub connects: u64,
    /// Messages that came in; the sum of the next three and of what is parked during a replay.
    pub received: u64,
    /// Messages handed to the application.
    pub delivered: u64,
    /// Messages dropped because they were delivered before: the overlap at the seam.
    pub duplicates: u64,
    /// Messages let go of before their turn; the log brings them again.
    pub discarded: u64,
    /// Holes that a second replay filled.
    pub repairs: u64,
    /// Gaps reported.
    pub gaps: u64,
    /// Publications that the log has.
    pub published: u64,
}
