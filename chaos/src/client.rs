//! A client: the native client of the crate, and an application that processes each message immediately and keeps a
//! record.

mod follower;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use seamline::wire::code;
use seamline::{Client, Error, Published, StartFrom};
use seamline_test_support::link::Link;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::cluster::{Payload, channel_name};
use crate::random::Random;
use crate::record::{Acknowledged, Key, Record};

/// The range of the time between two publications of a client.
pub const PUBLISH_MS: std::ops::Range<u64> = 300..900;
/// One in this many channels is busy.
pub const BUSY_OF: u64 = 5;
/// Short, so that a run of minutes has many connections.
const BACKOFF: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(2)];

/// How far a client is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Epoch and offset, by the channel's number.
    pub positions: HashMap<u64, (String, u64)>,
    pub unanswered: usize,
}

/// What all clients obey.
#[derive(Clone)]
pub struct Commands {
    pub publishing: Arc<AtomicBool>,
    pub ending: watch::Receiver<bool>,
}

/// What distinguishes a client from the others.
pub struct Setup {
    pub number: u32,
    pub server: SocketAddr,
    pub channels: u64,
    /// The numbers of the channels that it follows.
    pub mine: Vec<u64>,
    pub sleep: Option<Sleep>,
    pub rng: Random,
    pub progress: watch::Sender<Progress>,
}

/// For a client that is suspended for this long, again and again. It runs on a thread of its own.
pub struct Sleep {
    pub time: Duration,
    /// Its connection to the server.
    pub link: Link,
}

type Answer = (u64, Key, Result<Published, Error>);

/// A client that publishes.
struct Publisher {
    setup: Setup,
    client: Client,
    commands: Commands,
    answers: FuturesUnordered<BoxFuture<'static, Answer>>,
    published: u32,
    record: Record,
}

/// Runs a client until the commands end it.
pub async fn run(setup: Setup, commands: Commands) -> Result<Record> {
    let client = Client::builder(format!("ws://{}/ws", setup.server))
        .client_id(format!("client-{}", setup.number))
        .backoff(BACKOFF[0], BACKOFF[1])
        .connect_timeout(Duration::from_secs(3))
        .pong_timeout(Duration::from_millis(1_500))
        .ack_interval(Duration::from_secs(1))
        .connect()?;
    let mut followers = JoinSet::new();
    for ch in setup.mine.clone() {
        let channel = client.channel(&channel_name(ch), StartFrom::Start)?;
        let (progress, ending) = (setup.progress.clone(), commands.ending.clone());
        progress.send_modify(|progress| {
            progress.positions.insert(ch, (String::new(), 0));
        });
        followers.spawn(async move { (ch, follower::follow(channel, ch, progress, ending).await) });
    }
    let (answers, record) = (FuturesUnordered::new(), Record::default());
    let mut publisher = Publisher { setup, client, commands, answers, published: 0, record };
    publisher.run().await;
    let mut record = publisher.record;
    while let Some(followed) = followers.join_next().await {
        let (ch, observed) = followed?;
        record.observed.insert(ch, observed?);
    }
    Ok(record)
}

impl Publisher {
    async fn run(&mut self) {
        let every = self.setup.rng.between(PUBLISH_MS.start, PUBLISH_MS.end);
        let mut publish = interval(Duration::from_millis(every));
        publish.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut suspend_at = self.next_sleep();
        let mut ending = self.commands.ending.clone();
        loop {
            tokio::select! {
                Some(answer) = self.answers.next() => self.answered(answer),
                () = sleep_until(suspend_at) => {
                    if self.is_publishing() {
                        self.suspend();
                    }
                    suspend_at = self.next_sleep();
                }
                _ = publish.tick() => if self.is_publishing() { self.publish() },
                _ = async { ending.wait_for(|ending| *ending).await.map(drop) } => break,
            }
        }
        self.record.unanswered = self.answers.len();
        self.record.stats = self.client.stats();
    }

    fn is_publishing(&self) -> bool {
        self.commands.publishing.load(Ordering::Relaxed)
    }

    /// When it is suspended next.
    fn next_sleep(&mut self) -> Instant {
        let awake_ms = self.setup.sleep.as_ref().map_or(u64::MAX, |sleep| sleep.time.as_millis() as u64);
        let awake_ms = self.setup.rng.between(awake_ms / 2, awake_ms).min(3_600_000);
        Instant::now() + Duration::from_millis(awake_ms)
    }

    /// As when the lid of a laptop is closed: nothing on this thread runs, and afterwards the connection is dead.
    fn suspend(&self) {
        if let Some(sleep) = &self.setup.sleep {
            sleep.link.cut();
            std::thread::sleep(sleep.time);
        }
    }

    fn publish(&mut self) {
        // Half of the publications go to a fifth of the channels, which reach their retention sooner.
        let channels = self.setup.channels;
        let rng = &mut self.setup.rng;
        let some = if rng.between(0, 2) == 0 { channels.div_ceil(BUSY_OF) } else { channels };
        let (ch, key) = (rng.between(0, some), Key(self.setup.number, self.published));
        let payload = Payload { key: key.to_string() };
        let answer = self.client.publish_with_key(&channel_name(ch), &payload, &payload.key);
        self.published += 1;
        self.answers.push(Box::pin(async move { (ch, key, answer.await) }));
        self.report_progress();
    }

    fn answered(&mut self, (ch, key, answer): Answer) {
        match answer {
            Ok(Published { id, offset, .. }) => {
                self.record.acknowledged.push(Acknowledged { ch, key, id, offset });
            }
            Err(error) if error.code == code::OUTBOX_FULL => {} // it was not published
            Err(error) => self.record.refused.push(format!("{}: {}", error.code, error.message)),
        }
        self.report_progress();
    }

    fn report_progress(&self) {
        self.setup.progress.send_modify(|progress| progress.unanswered = self.answers.len());
    }
}
