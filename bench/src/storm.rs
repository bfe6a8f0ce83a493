//! Everyone comes back at once, and has missed something.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::Args;
use crate::crowd::{self, Crowd};
use crate::fanout::Publisher;
use crate::peer::{Kind, Peer};
use crate::process::Server;

const AT_ONCE: usize = 100;

/// What was measured.
pub struct Storm {
    /// From the first connection until all have everything.
    pub seconds: f64,
    pub cpu_seconds: f64,
    /// Connections that the server reset, and that were made again.
    pub retries: u64,
    /// The server's resident memory at its highest during that time, in bytes.
    pub peak_bytes: f64,
}

pub async fn measure(kind: Kind, args: &Args, pause: Duration) -> Result<Storm> {
    let server = Server::start(kind, args).await?;
    let epoch = Instant::now();
    let peers = (0..args.connections).map(|number| Peer::subscriber(kind, number)).collect();
    let crowd = Crowd::connect(server.port, peers, AT_ONCE, epoch);
    crowd.all_ready().await?;
    let mut publisher = Publisher::connect(kind, server.port).await?;
    // socket.io recovers nothing for a client that has never had a message.
    publisher.publish(&crowd::message(epoch, args.bytes as usize)).await?;
    crowd.all_have(1).await?;
    let members = crowd.leave(1).await?;
    sleep(pause).await; // it has noticed that they have gone
    server.collect_garbage().await?;
    for _ in 0..args.messages {
        publisher.publish(&crowd::message(epoch, args.bytes as usize)).await?;
    }
    publisher.all_acknowledged().await?;

    server.reset_peak_memory()?;
    let cpu_seconds = server.cpu_seconds()?;
    let start = Instant::now();
    let peers = members.into_iter().map(|member| member.peer).collect::<Vec<_>>();
    let everyone = peers.len();
    let crowd = Crowd::connect(server.port, peers, everyone, epoch);
    crowd.all_have(args.messages).await?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu_seconds = server.cpu_seconds()? - cpu_seconds;
    let peak_bytes = server.peak_memory()?;
    crowd.all_ready().await?;
    let retries = crowd.retries();
    crowd.leave(args.messages).await?;
    Ok(Storm { seconds, cpu_seconds, retries, peak_bytes })
}
