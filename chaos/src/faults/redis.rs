//! Faults of a single Redis, and of the links to it.

use std::time::Duration;

use anyhow::Result;
use seamline_test_support::redis;
use tokio::time::sleep;

use super::pause;
use crate::cluster::{Backend, Cluster};
use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisFault {
    Killed,
    /// SIGSTOP, for this many seconds.
    Paused(u64),
    LinksCut,
    LinksStalled,
    /// The pub/sub connections are closed, and no others.
    WakeupsCut,
    /// Killed, and restarted without its data.
    Emptied,
}

pub const FAULTS: [RedisFault; 7] = [
    RedisFault::Killed,
    RedisFault::Paused(2),
    RedisFault::Paused(10),
    RedisFault::LinksCut,
    RedisFault::LinksStalled,
    RedisFault::WakeupsCut,
    RedisFault::Emptied,
];

/// How often in a row.
const WAKEUPS_CUT: u32 = 5;

/// `index` is the node whose link to Redis fails.
pub async fn inject(
    cluster: &mut Cluster,
    index: usize,
    fault: RedisFault,
    rng: &mut Random,
) -> Result<&'static str> {
    let (Backend::Redis(process), Some(link)) = (&mut cluster.backend, &cluster.nodes[index].redis_link)
    else {
        return Ok("none");
    };
    Ok(match fault {
        RedisFault::Killed => {
            process.kill().await?;
            pause(rng, 50, 1_500).await;
            process.restart().await?;
            "Redis killed"
        }
        RedisFault::Paused(seconds) => {
            process.pause()?;
            sleep(Duration::from_secs(seconds)).await;
            process.resume()?;
            if seconds < 10 { "Redis paused" } else { "Redis paused for 10 s" }
        }
        RedisFault::LinksCut => {
            link.cut();
            "Redis links cut"
        }
        RedisFault::LinksStalled => {
            link.stall(true);
            pause(rng, 200, 4_000).await;
            link.stall(false);
            "Redis links stalled"
        }
        RedisFault::WakeupsCut => {
            for _ in 0..WAKEUPS_CUT {
                redis::close_pub_sub(process.port)?;
                pause(rng, 0, 300).await;
            }
            "wake-ups cut"
        }
        RedisFault::Emptied => {
            cluster.empty_redis().await?;
            "Redis emptied"
        }
    })
}
