//! What a connection costs while nothing happens: open, subscribed to one channel.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::Args;
use crate::crowd::Crowd;
use crate::peer::{Kind, Peer};
use crate::process::Server;

/// So many connect at a time: here nobody is in a hurry.
const AT_ONCE: usize = 100;

/// Memory per connection, in bytes.
pub struct Idle {
    /// What the process takes.
    pub resident: f64,
    /// What of that is in use: after a garbage collection, where there is such a thing.
    pub in_use: f64,
}

pub async fn measure(kind: Kind, args: &Args, pause: Duration) -> Result<Idle> {
    let server = Server::start(kind, args).await?;
    sleep(pause).await;
    let before = server.memory()?;
    let peers = (0..args.connections).map(|number| Peer::subscriber(kind, number)).collect();
    let crowd = Crowd::connect(server.port, peers, AT_ONCE, Instant::now());
    crowd.all_ready().await?;
    sleep(pause).await;
    let resident = server.memory()?;
    server.collect_garbage().await?;
    let in_use = server.memory()?;
    crowd.leave(0).await?;
    let each = |bytes| (bytes - before) / args.connections as f64;
    Ok(Idle { resident: each(resident), in_use: each(in_use) })
}
