//! A client: the real core, driven over real sockets, and a record of what it dispatches. Its application is done
//! with a message at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seamline::core::Instant as CoreInstant;
use seamline::core::{BackoffConfig, ChannelId, Config, Event, Output, PublishId, Session, SocketId};
use seamline::wire::Position;
use seamline::wire::StartAt;
use serde_json::value::to_raw_value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use crate::frames::{self, Data, Incoming, Messages};
use crate::random::Random;
use crate::record::{Acknowledged, Key, Record, Told, now_ms};
use crate::socket::{Report, Socket};
use crate::world::channel_name;

/// Each client publishes about so often.
pub const PUBLISH_MS: std::ops::Range<u64> = 300..900;
/// One in so many channels is busy.
pub const BUSY_OF: u64 = 5;
const REPORTS_MAX: usize = 64;
/// So that a test of minutes sees many connections.
const BACKOFF: BackoffConfig = BackoffConfig { initial_ms: 200, max_ms: 2_000 };

/// How far a client is, for whoever waits for it.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Epoch and offset, by the channel's number.
    pub positions: HashMap<u64, (String, u64)>,
    pub unanswered: usize,
}

/// One client.
pub struct Client {
    number: u32,
    session: Session<Messages, Data>,
    start: Instant,
    urls: Vec<String>,
    rng: Random,
    socket: Option<Socket>,
    reports: mpsc::Sender<(SocketId, Report)>,
    queue: Option<mpsc::Receiver<(SocketId, Report)>>,
    channels: HashMap<ChannelId, (u64, String)>,
    pending: HashMap<PublishId, (u64, Key)>,
    published: u32,
    record: Record,
    progress: watch::Sender<Progress>,
}

impl Client {
    pub fn new(number: u32, urls: Vec<String>, mut rng: Random, progress: watch::Sender<Progress>) -> Self {
        let (reports, queue) = mpsc::channel(REPORTS_MAX);
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
            reports,
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
                self.record.told.insert(*ch, Vec::new());
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

    /// `naps`: how long it is away at a time, if it is one of those.
    pub async fn run(
        mut self,
        channels: u64,
        naps: Option<Duration>,
        publishing: Arc<AtomicBool>,
        mut ending: watch::Receiver<bool>,
    ) -> Record {
        let Some(mut queue) = self.queue.take() else { return self.record };
        let every = self.rng.between(PUBLISH_MS.start, PUBLISH_MS.end);
        let mut publish = interval(Duration::from_millis(every));
        publish.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tired = self.tired(naps);
        loop {
            self.perform();
            let deadline = self.session.poll_timeout().map(|at| self.start + Duration::from_millis(at.0));
            let wake = deadline.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            tokio::select! {
                Some((id, report)) = queue.recv() => self.report(id, report),
                () = sleep_until(wake) => { let now = self.now(); self.session.handle_timeout(now) }
                () = sleep_until(tired) => {
                    if let Some(length) = naps.filter(|_| publishing.load(Ordering::Relaxed)) {
                        self.nap(length, &mut queue).await;
                    }
                    tired = self.tired(naps);
                }
                _ = publish.tick() => if publishing.load(Ordering::Relaxed) { self.publish(channels) },
                _ = async { ending.wait_for(|ending| *ending).await.map(drop) } => break,
            }
        }
        self.record.unanswered = self.pending.len();
        self.record.stats = self.session.stats();
        self.record
    }

    /// When it goes to sleep the next time.
    fn tired(&mut self, naps: Option<Duration>) -> Instant {
        let awake_ms = naps.map_or(u64::MAX, |length| length.as_millis() as u64);
        let awake_ms = self.rng.between(awake_ms / 2, awake_ms).min(3_600_000);
        Instant::now() + Duration::from_millis(awake_ms)
    }

    /// As when the lid is closed: nothing is done, and nobody is told. Awake again, it finds its socket dead.
    async fn nap(&mut self, length: Duration, queue: &mut mpsc::Receiver<(SocketId, Report)>) {
        let socket = self.socket.take().map(|socket| socket.id);
        sleep(length).await;
        while queue.try_recv().is_ok() {}
        let now = self.now();
        if let Some(id) = socket {
            self.session.handle_close(now, id, 1006, "it slept".into());
        }
        self.session.handle_wake(now);
    }

    fn publish(&mut self, channels: u64) {
        // Half of it goes to a fifth of the channels: their retention is reached sooner.
        let some = if self.rng.between(0, 2) == 0 { channels.div_ceil(BUSY_OF) } else { channels };
        let (ch, key) = (self.rng.between(0, some), Key(self.number, self.published));
        let Ok(data) = to_raw_value(&serde_json::json!({ "key": key.to_string() })) else { return };
        let bytes = data.get().len() as u64;
        // Refused where too many wait: the next tick tries again, under the same key.
        if let Ok(id) = self.session.publish(self.now(), channel_name(ch), key.to_string(), data, bytes) {
            self.published += 1;
            self.pending.insert(id, (ch, key));
            self.tell_progress();
        }
    }

    fn report(&mut self, id: SocketId, report: Report) {
        let now = self.now();
        match report {
            Report::Open => self.session.handle_open(now, id),
            Report::Closed(code, reason) => self.session.handle_close(now, id, code, reason),
            Report::Text(text) => match frames::read(&text) {
                Ok(Incoming::Messages(ch, batch)) => self.session.handle_messages(now, id, &ch, batch),
                Ok(Incoming::Frame(frame)) => self.session.handle_frame(now, id, frame),
                Ok(Incoming::Unknown) => self.session.handle_unknown_frame(now, id),
                Err(problem) => self.session.handle_bad_frame(now, id, problem),
            },
        }
    }

    fn perform(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Connect(id) => {
                    let url = self.urls[self.rng.between(0, self.urls.len() as u64) as usize].clone();
                    self.socket = Some(Socket::open(id, url, self.reports.clone()));
                }
                Output::Disconnect { socket, .. } => {
                    self.socket.take_if(|open| open.id == socket);
                }
                Output::Send { socket, frame } => {
                    let open = self.socket.as_ref().filter(|open| open.id == socket);
                    if let Some(open) = open {
                        open.send(frame.to_json(|data| data.get().to_owned()));
                    }
                }
                Output::FetchToken { .. } => {}
                Output::Event(event) => self.event(event),
            }
        }
    }

    fn event(&mut self, event: Event<Messages, Data>) {
        match event {
            Event::Attached { channel, position } => {
                let (offset, epoch) = (position.offset, position.epoch.clone());
                self.tell(channel, offset, Some(epoch), Told::Attached(position, now_ms()));
            }
            Event::Gap { channel, gap, position } => {
                let (offset, epoch) = (position.offset, position.epoch.clone());
                self.tell(channel, offset, Some(epoch), Told::Gap(gap, position, now_ms()));
            }
            Event::Deliver { channel, batch, skip } => {
                let fresh = batch.payload.into_iter().enumerate().skip(skip as usize);
                for (i, (id, key)) in fresh {
                    let offset = batch.n + i as u64;
                    self.tell(channel, offset, None, Told::Message(offset, id, key));
                }
                let Some((_, epoch)) = self.channels.get(&channel) else { return };
                let offset = batch.n + batch.count - 1;
                let position = Position { epoch: epoch.clone(), offset, id: Some(batch.last_id) };
                self.session.processed(self.now(), channel, batch.count - skip, position);
            }
            Event::Published { publish, id, offset } => {
                if let Some((ch, key)) = self.pending.remove(&publish) {
                    self.record.acknowledged.push(Acknowledged { ch, key, id, offset });
                    self.tell_progress();
                }
            }
            Event::PublishFailed { publish, error } => {
                self.pending.remove(&publish);
                self.record.refused.push(format!("{}: {}", error.code, error.message));
                self.tell_progress();
            }
            Event::State(_) | Event::Live { .. } | Event::Cast { .. } | Event::Error { .. } => {}
        }
    }

    fn tell(&mut self, channel: ChannelId, offset: u64, epoch: Option<String>, told: Told) {
        let Some((ch, known)) = self.channels.get_mut(&channel) else { return };
        if let Some(epoch) = epoch {
            *known = epoch;
        }
        self.record.told.entry(*ch).or_default().push(told);
        self.progress.send_modify(|progress| {
            progress.positions.insert(*ch, (known.clone(), offset));
        });
    }

    fn tell_progress(&self) {
        self.progress.send_modify(|progress| progress.unanswered = self.pending.len());
    }
}
