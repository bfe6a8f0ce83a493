//! A client: the real core, driven over real sockets, and a record of what it dispatches. Its application processes
//! each message immediately.

mod driver;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seamline::core::Instant as CoreInstant;
use seamline::core::{BackoffConfig, ChannelId, Config, PublishId, Session, SocketId};
use seamline::wire::StartAt;
use seamline_test_support::socket::ABNORMAL;
use serde_json::value::to_raw_value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use crate::cluster::channel_name;
use crate::frames::{Data, Messages};
use crate::random::Random;
use crate::record::{Key, Record};
use crate::socket::{Socket, SocketEvent};

/// The range of the time between two publications of a client.
pub const PUBLISH_MS: std::ops::Range<u64> = 300..900;
/// One in this many channels is busy.
pub const BUSY_OF: u64 = 5;
const EVENTS_MAX: usize = 64;
/// Short, so that a run of minutes has many connections.
const BACKOFF: BackoffConfig = BackoffConfig { initial_ms: 200, max_ms: 2_000 };

/// How far a client is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Epoch and offset, by the channel's number.
    pub positions: HashMap<u64, (String, u64)>,
    pub unanswered: usize,
}

/// A client and its application.
pub struct Client {
    number: u32,
    session: Session<Messages, Data>,
    start: Instant,
    urls: Vec<String>,
    rng: Random,
    socket: Option<Socket>,
    events: mpsc::Sender<(SocketId, SocketEvent)>,
    queue: Option<mpsc::Receiver<(SocketId, SocketEvent)>>,
    channels: HashMap<ChannelId, (u64, String)>,
    pending: HashMap<PublishId, (u64, Key)>,
    published: u32,
    record: Record,
    progress: watch::Sender<Progress>,
}

impl Client {
    pub fn new(number: u32, urls: Vec<String>, mut rng: Random, progress: watch::Sender<Progress>) -> Self {
        let (events, queue) = mpsc::channel(EVENTS_MAX);
        let config = Config {
            client_id: format!("client-{number}"),
            backoff: BACKOFF,
            connect_timeout_ms: 3_000,
            pong_timeout_ms: 1_500,
            ack_interval_ms: 1_000,
            ..Config::default()
        };
        let session = Session::new(config, rng.next(), CoreInstant(0));
        Client {
            number,
            session,
            start: Instant::now(),
            urls,
            rng,
            socket: None,
            events,
            queue: Some(queue),
            channels: HashMap::new(),
            pending: HashMap::new(),
            published: 0,
            record: Record::default(),
            progress,
        }
    }

    pub fn subscribe(&mut self, mine: &[u64]) {
        for ch in mine {
            let subscribed =
                self.session.subscribe(self.now(), channel_name(*ch), Some(StartAt::Start), None);
            if let Ok(id) = subscribed {
                self.channels.insert(id, (*ch, String::new()));
                self.record.observed.insert(*ch, Vec::new());
                self.progress.send_modify(|progress| {
                    progress.positions.insert(*ch, (String::new(), 0));
                });
            }
        }
        let now = self.now();
        self.session.connect(now);
    }

    fn now(&self) -> CoreInstant {
        CoreInstant(self.start.elapsed().as_millis() as u64)
    }

    /// Runs until `ending`. A client with `sleep_time` is suspended for that long, again and again.
    pub async fn run(
        mut self,
        channels: u64,
        sleep_time: Option<Duration>,
        publishing: Arc<AtomicBool>,
        mut ending: watch::Receiver<bool>,
    ) -> Record {
        let Some(mut queue) = self.queue.take() else { return self.record };
        let every = self.rng.between(PUBLISH_MS.start, PUBLISH_MS.end);
        let mut publish = interval(Duration::from_millis(every));
        publish.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut suspend_at = self.next_sleep(sleep_time);
        loop {
            self.perform();
            let deadline = self.session.poll_timeout().map(|at| self.start + Duration::from_millis(at.0));
            let wake = deadline.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            tokio::select! {
                Some((id, event)) = queue.recv() => self.socket_event(id, event),
                () = sleep_until(wake) => { let now = self.now(); self.session.handle_timeout(now) }
                () = sleep_until(suspend_at) => {
                    if let Some(time) = sleep_time.filter(|_| publishing.load(Ordering::Relaxed)) {
                        self.suspend(time, &mut queue).await;
                    }
                    suspend_at = self.next_sleep(sleep_time);
                }
                _ = publish.tick() => if publishing.load(Ordering::Relaxed) { self.publish(channels) },
                _ = async { ending.wait_for(|ending| *ending).await.map(drop) } => break,
            }
        }
        self.record.unanswered = self.pending.len();
        self.record.stats = self.session.stats();
        self.record
    }

    /// When it is suspended next.
    fn next_sleep(&mut self, sleep_time: Option<Duration>) -> Instant {
        let awake_ms = sleep_time.map_or(u64::MAX, |time| time.as_millis() as u64);
        let awake_ms = self.rng.between(awake_ms / 2, awake_ms).min(3_600_000);
        Instant::now() + Duration::from_millis(awake_ms)
    }

    /// As when the lid of a laptop is closed: nothing runs, and nothing is reported. After that the socket is dead.
    async fn suspend(&mut self, time: Duration, queue: &mut mpsc::Receiver<(SocketId, SocketEvent)>) {
        let socket = self.socket.take().map(|socket| socket.id);
        sleep(time).await;
        while queue.try_recv().is_ok() {}
        let now = self.now();
        if let Some(id) = socket {
            self.session.handle_close(now, id, ABNORMAL, "the machine slept".into());
        }
        self.session.handle_wake(now);
    }

    fn publish(&mut self, channels: u64) {
        // Half of the publications go to a fifth of the channels, which reach their retention sooner.
        let some = if self.rng.between(0, 2) == 0 { channels.div_ceil(BUSY_OF) } else { channels };
        let (ch, key) = (self.rng.between(0, some), Key(self.number, self.published));
        let Ok(data) = to_raw_value(&serde_json::json!({ "key": key.to_string() })) else { return };
        let bytes = data.get().len() as u64;
        // An error: too many wait. The next tick tries again, with the same key.
        if let Ok(id) = self.session.publish(self.now(), channel_name(ch), key.to_string(), data, bytes) {
            self.published += 1;
            self.pending.insert(id, (ch, key));
            self.report_progress();
        }
    }
}
