//! All clients reconnect at once, and each has missed messages.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::Args;
use crate::clients::{self, Clients};
use crate::peer::{Kind, Peer};
use crate::process::Server;
use crate::publisher::Publisher;

/// How many clients connect at a time, before the storm.
const CONNECTING_MAX: usize = 100;

/// What was measured.
pub struct Storm {
    /// From the first connection until all clients have all messages.
    pub seconds: f64,
    pub cpu_seconds: f64,
    /// Connections that the server reset, and that clients made again.
    pub retries: u64,
    /// The peak of the server's resident memory during that time, in bytes.
    pub peak_bytes: f64,
}

pub async fn measure(kind: Kind, args: &Args, pause: Duration) -> Result<Storm> {
    let server = Server::start(kind, args).await?;
    let epoch = Instant::now();
    let peers = (0..args.connections).map(|number| Peer::subscriber(kind, number)).collect();
    let clients = Clients::connect(server.port, peers, CONNECTING_MAX, epoch);
    clients.all_ready().await?;
    let mut publisher = Publisher::connect(kind, server.port).await?;
    // socket.io recovers nothing for a client that never had a message.
    publisher.publish(&clients::message(epoch, args.bytes as usize)).await?;
    clients.all_have(1).await?;
    let disconnected = clients.disconnect(1).await?;
    sleep(pause).await; // until the server has noticed the disconnects
    server.collect_garbage().await?;
    for _ in 0..args.messages {
        publisher.publish(&clients::message(epoch, args.bytes as usize)).await?;
    }
    publisher.all_acknowledged().await?;

    server.reset_peak_memory()?;
    let cpu_seconds = server.cpu_seconds()?;
    let start = Instant::now();
    let peers = disconnected.into_iter().map(|client| client.peer).collect::<Vec<_>>();
    let all = peers.len();
    let clients = Clients::connect(server.port, peers, all, epoch);
    clients.all_have(args.messages).await?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu_seconds = server.cpu_seconds()? - cpu_seconds;
    let peak_bytes = server.peak_memory()?;
    clients.all_ready().await?;
    let retries = clients.retries();
    clients.disconnect(args.messages).await?;
    Ok(Storm { seconds, cpu_seconds, retries, peak_bytes })
}
