//! Faults that the server's own tests inject, so that a test can show that it is able to fail. Only a build with the
//! feature `fault-injection` has them.

use clap::Args;

/// The options.
#[derive(Clone, Copy, Debug, Args)]
pub struct Faults {
    /// Reads the replay before it subscribes, so that messages published in between are lost (for tests only)
    #[arg(long, hide = true)]
    pub unsafe_replay_before_subscribe: bool,

    /// Waits between subscribing and reading the replay, to widen the window of the race (for tests only)
    #[arg(long, hide = true, value_name = "MS", default_value_t = 0)]
    pub unsafe_seam_delay_ms: u64,

    /// Panics in a task once the server listens (for tests only)
    #[arg(long, hide = true)]
    pub unsafe_panic: bool,
}
