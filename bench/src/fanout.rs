//! One channel to many sockets: at saturation, and then at a moderate rate.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep_until};

use crate::Args;
use crate::clients::{self, Clients};
use crate::peer::{Kind, Peer};
use crate::process::Server;
use crate::publisher::Publisher;
use crate::stats::percentile;

/// How many sockets connect at a time.
const CONNECTING_MAX: usize = 100;
/// Before anything is measured: Node compiles hot code.
const WARM_UP: Duration = Duration::from_secs(2);
/// How often the publisher checks whether it may publish more.
const PAUSE: Duration = Duration::from_millis(1);

/// What was measured.
pub struct Fanout {
    pub delivered_per_second: f64,
    pub delivered_per_cpu_second: f64,
    pub messages_per_frame: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// At the moderate rate, where no messages wait and so none share a frame.
    pub moderate_per_cpu_second: f64,
}

struct Flow {
    delivered: f64,
    frames: f64,
    seconds: f64,
    cpu_seconds: f64,
}

struct Run<'a> {
    args: &'a Args,
    server: Server,
    clients: Clients,
    publisher: Publisher,
    epoch: Instant,
}

pub async fn measure(kind: Kind, args: &Args) -> Result<Fanout> {
    let server = Server::start(kind, args).await?;
    let epoch = Instant::now();
    let peers = (0..args.sockets).map(|number| Peer::subscriber(kind, number)).collect();
    let clients = Clients::connect(server.port, peers, CONNECTING_MAX, epoch);
    clients.all_ready().await?;
    let publisher = Publisher::connect(kind, server.port).await?;
    let mut run = Run { args, server, clients, publisher, epoch };
    let time = Duration::from_secs(args.seconds);
    run.saturate(WARM_UP.min(time)).await?;
    let most = run.saturate(time).await?;
    let moderate = run.moderate(time).await?;
    let disconnected = run.clients.disconnect(run.publisher.published).await?;
    let mut latencies_us: Vec<u32> =
        disconnected.into_iter().flat_map(|client| client.log.latencies_us).collect();
    ensure!(latencies_us.len() as f64 == moderate.delivered, "some messages had no time");
    Ok(Fanout {
        delivered_per_second: most.delivered / most.seconds,
        delivered_per_cpu_second: most.delivered / most.cpu_seconds,
        messages_per_frame: most.delivered / most.frames,
        p50_ms: percentile(&mut latencies_us, 0.5) / 1000.0,
        p99_ms: percentile(&mut latencies_us, 0.99) / 1000.0,
        moderate_per_cpu_second: moderate.delivered / moderate.cpu_seconds,
    })
}

impl Run<'_> {
    /// Publishes while fewer than `in_flight` messages are on their way to the average socket.
    async fn saturate(&mut self, time: Duration) -> Result<Flow> {
        let begin = self.begin()?;
        let end = begin.0 + time;
        while Instant::now() < end {
            let missing = self.publisher.published * self.clients.len() - self.clients.messages();
            if missing < self.args.in_flight * self.clients.len() {
                self.publish().await?;
            } else {
                self.publisher.listen_until(Instant::now() + PAUSE).await?;
            }
            self.clients.check()?;
        }
        let flow = self.flow(begin)?;
        self.catch_up().await?;
        Ok(flow)
    }

    async fn moderate(&mut self, time: Duration) -> Result<Flow> {
        self.clients.record(true);
        let begin = self.begin()?;
        let messages = self.args.rate * time.as_secs();
        for i in 0..messages {
            sleep_until(begin.0 + time.mul_f64(i as f64 / messages as f64)).await;
            self.publish().await?;
            self.publisher.listen_until(Instant::now()).await?;
        }
        self.catch_up().await?;
        self.clients.record(false);
        self.flow(begin)
    }

    async fn publish(&mut self) -> Result<()> {
        self.publisher.publish(&clients::message(self.epoch, self.args.bytes as usize)).await
    }

    async fn catch_up(&mut self) -> Result<()> {
        self.publisher.all_acknowledged().await?;
        self.clients.all_have(self.publisher.published).await
    }

    fn begin(&self) -> Result<(Instant, u64, u64, f64)> {
        Ok((Instant::now(), self.clients.messages(), self.clients.frames(), self.server.cpu_seconds()?))
    }

    fn flow(&self, (at, messages, frames, cpu_seconds): (Instant, u64, u64, f64)) -> Result<Flow> {
        Ok(Flow {
            delivered: (self.clients.messages() - messages) as f64,
            frames: (self.clients.frames() - frames) as f64,
            seconds: at.elapsed().as_secs_f64(),
            cpu_seconds: self.server.cpu_seconds()? - cpu_seconds,
        })
    }
}
