//! One channel to many sockets: as much as goes, and then at a moderate rate.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::Args;
use crate::crowd::{self, Crowd};
use crate::peer::{Kind, Peer};
use crate::process::Server;
use crate::socket::{Event, Socket};
use crate::stats::percentile;

const AT_ONCE: usize = 100;
/// Before it counts: Node compiles what it finds hot.
const WARM_UP: Duration = Duration::from_secs(2);
/// How often the publisher looks whether it may go on.
const PAUSE: Duration = Duration::from_millis(1);
const ACK_TIMEOUT: Duration = Duration::from_secs(60);

/// What was measured.
pub struct Fanout {
    pub delivered_per_second: f64,
    pub delivered_per_cpu_second: f64,
    pub messages_per_frame: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// At the moderate rate, where nothing waits and so nothing is sent together.
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
    crowd: Crowd,
    publisher: Publisher,
    epoch: Instant,
}

pub async fn measure(kind: Kind, args: &Args) -> Result<Fanout> {
    let server = Server::start(kind, args).await?;
    let epoch = Instant::now();
    let peers = (0..args.sockets).map(|number| Peer::subscriber(kind, number)).collect();
    let crowd = Crowd::connect(server.port, peers, AT_ONCE, epoch);
    crowd.all_ready().await?;
    let publisher = Publisher::connect(kind, server.port).await?;
    let mut run = Run { args, server, crowd, publisher, epoch };
    let time = Duration::from_secs(args.seconds);
    run.saturate(WARM_UP.min(time)).await?;
    let most = run.saturate(time).await?;
    let moderate = run.moderate(time).await?;
    let members = run.crowd.leave(run.publisher.published).await?;
    let mut latencies_us: Vec<u32> = members.into_iter().flat_map(|member| member.log.latencies_us).collect();
    ensure!(latencies_us.len() as f64 == moderate.delivered, "not every message had a time");
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
    /// Publishes as long as no more than `in_flight` messages are on their way to the average socket.
    async fn saturate(&mut self, time: Duration) -> Result<Flow> {
        let begin = self.begin()?;
        let end = begin.0 + time;
        while Instant::now() < end {
            let missing = self.publisher.published * self.crowd.len() - self.crowd.messages();
            if missing < self.args.in_flight * self.crowd.len() {
                self.publish().await?;
            } else {
                self.publisher.listen_until(Instant::now() + PAUSE).await?;
            }
            self.crowd.check()?;
        }
        let flow = self.flow(begin)?;
        self.catch_up().await?;
        Ok(flow)
    }

    async fn moderate(&mut self, time: Duration) -> Result<Flow> {
        self.crowd.record(true);
        let begin = self.begin()?;
        let messages = self.args.rate * time.as_secs();
        for i in 0..messages {
            sleep_until(begin.0 + time.mul_f64(i as f64 / messages as f64)).await;
            self.publish().await?;
            self.publisher.listen_until(Instant::now()).await?;
        }
        self.catch_up().await?;
        self.crowd.record(false);
        self.flow(begin)
    }

    async fn publish(&mut self) -> Result<()> {
        self.publisher.publish(&crowd::message(self.epoch, self.args.bytes as usize)).await
    }

    async fn catch_up(&mut self) -> Result<()> {
        self.publisher.all_acknowledged().await?;
        self.crowd.all_have(self.publisher.published).await
    }

    fn begin(&self) -> Result<(Instant, u64, u64, f64)> {
        Ok((Instant::now(), self.crowd.messages(), self.crowd.frames(), self.server.cpu_seconds()?))
    }

    fn flow(&self, (at, messages, frames, cpu_seconds): (Instant, u64, u64, f64)) -> Result<Flow> {
        Ok(Flow {
            delivered: (self.crowd.messages() - messages) as f64,
            frames: (self.crowd.frames() - frames) as f64,
            seconds: at.elapsed().as_secs_f64(),
            cpu_seconds: self.server.cpu_seconds()? - cpu_seconds,
        })
    }
}

/// The one who publishes.
pub struct Publisher {
    socket: Socket,
    pub published: u64,
    acknowledged: u64,
}

impl Publisher {
    pub async fn connect(kind: Kind, port: u16) -> Result<Publisher> {
        let opened = Socket::open(port, Peer::publisher(kind)).await;
        let mut socket = opened.map_err(|(_, e)| e)?;
        while !matches!(socket.next().await?, Event::Ready) {}
        Ok(Publisher { socket, published: 0, acknowledged: 0 })
    }

    pub async fn publish(&mut self, data: &str) -> Result<()> {
        self.published += 1;
        self.socket.publish(data).await
    }

    /// Takes acknowledgements for a while.
    pub async fn listen_until(&mut self, deadline: Instant) -> Result<()> {
        while let Ok(event) = timeout_at(deadline, self.socket.next()).await {
            self.acknowledged += u64::from(matches!(event?, Event::Acknowledged));
        }
        Ok(())
    }

    pub async fn all_acknowledged(&mut self) -> Result<()> {
        let deadline = Instant::now() + ACK_TIMEOUT;
        while self.acknowledged < self.published {
            let event = timeout_at(deadline, self.socket.next()).await??;
            self.acknowledged += u64::from(matches!(event, Event::Acknowledged));
        }
        Ok(())
    }
}
