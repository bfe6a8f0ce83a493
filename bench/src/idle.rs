//! The memory of an idle connection that is subscribed to one channel.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::Args;
use crate::clients::Clients;
use crate::peer::{Kind, Peer};
use crate::process::Server;

/// How many clients connect at a time.
const CONNECTING_MAX: usize = 100;

/// Memory per connection, in bytes.
pub struct Idle {
    /// Resident memory.
    pub resident: f64,
    /// The same after a garbage collection, if the server has one.
    pub in_use: f64,
}

pub async fn measure(kind: Kind, args: &Args, pause: Duration) -> Result<Idle> {
    let server = Server::start(kind, args).await?;
    sleep(pause).await;
    let before = server.memory()?;
    let peers = (0..args.connections).map(|number| Peer::subscriber(kind, number)).collect();
    let clients = Clients::connect(server.port, peers, CONNECTING_MAX, Instant::now());
    clients.all_ready().await?;
    sleep(pause).await;
    let resident = server.memory()?;
    server.collect_garbage().await?;
    let in_use = server.memory()?;
    clients.disconnect(0).await?;
    let each = |bytes| (bytes - before) / args.connections as f64;
    Ok(Idle { resident: each(resident), in_use: each(in_use) })
}
