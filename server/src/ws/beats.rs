//! Says when the heartbeat of each connection is due. One task does it for all: a timer in each would be a part of what
//! an idle connection costs.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::registry::Registry;

/// In how many groups they take turns, so that they do not all send at once.
const GROUPS: u32 = 32;

/// Does so for each of them once in every such time. Does not end.
pub async fn beat_regularly(sockets: Arc<Registry>, every: Duration) {
    let mut turns = interval(every / GROUPS);
    // After a stall, each is due once, not as often as it would have been.
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        for group in 0..GROUPS {
            turns.tick().await;
            sockets.beat(|number| number % u64::from(GROUPS) == u64::from(group));
        }
    }
}
