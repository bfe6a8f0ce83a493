//! Plays the driver for one session.

use seamline::core::{
    BackoffConfig, Batch, ChannelId, Config, Event, FetchId, Instant, Output, Protocol, SocketId, State,
};
use seamline::plain::{Frame, Incoming, Message, PlainConfig, PlainSession};
use seamline::wire::Position;

pub const ROOM: &str = "room";
pub const URL: &str = "ws://h/ws?conversation_id=c1";
/// Unix time, like that in the ids.
pub const START_MS: u64 = 1_000_000;
pub const SETTLE_MS: u64 = 2_000;

pub struct Page {
    pub session: PlainSession<String>,
    pub now_ms: u64,
    pub socket: SocketId,
    /// The last request for a token.
    pub fetch: FetchId,
    /// The URL of the last attempt.
    pub url: String,
    /// Labels of the delivered messages, in order.
    pub delivered: Vec<String>,
    /// The position after the last of them, as the npm package keeps it.
    pub position: Option<Position>,
    /// Gaps reported so far.
    pub gaps: Vec<(u64, Option<u64>)>,
    /// Whether each message is processed as soon as it is delivered.
    pub processes: bool,
    lines: Vec<String>,
}

pub fn config() -> Config {
    Config {
        client_id: "tester".to_owned(),
        backoff: BackoffConfig { initial_ms: 200, max_ms: 1_000 },
        stable_ms: 500,
        queue_messages_max: 50,
        ..Config::default()
    }
}

pub fn plain() -> PlainConfig {
    PlainConfig { settle_ms: SETTLE_MS, window_messages: 100, ..PlainConfig::default() }
}

impl Page {
    pub fn new(config: Config, plain: PlainConfig) -> Self {
        Page::at(URL, config, plain)
    }

    /// A page with another URL.
    pub fn at(url: &str, config: Config, plain: PlainConfig) -> Self {
        Page {
            session: PlainSession::new(url.to_owned(), config, plain, 1, Instant(START_MS)),
            now_ms: START_MS,
            socket: 0,
            fetch: 0,
            url: String::new(),
            delivered: Vec::new(),
            position: None,
            gaps: Vec::new(),
            processes: true,
            lines: Vec::new(),
        }
    }

    /// A page that is connected and subscribed.
    pub fn open(plain: PlainConfig) -> (Self, ChannelId) {
        Page::open_after(plain, None)
    }

    /// The same, after a position that was stored.
    pub fn open_after(plain: PlainConfig, position: Option<Position>) -> (Self, ChannelId) {
        let mut page = Page::new(config(), plain);
        let channel = page.subscribe(position);
        page.connect();
        page.opened();
        page.lines();
        (page, channel)
    }

    pub fn now(&self) -> Instant {
        Instant(self.now_ms)
    }

    pub fn connect(&mut self) {
        self.session.connect(self.now());
        self.perform();
    }

    pub fn subscribe(&mut self, position: Option<Position>) -> ChannelId {
        self.position.clone_from(&position);
        let channel = self.session.subscribe(self.now(), ROOM.to_owned(), None, position).unwrap();
        self.perform();
        channel
    }

    pub fn opened(&mut self) {
        self.session.handle_open(self.now(), self.socket);
        self.perform();
    }

    pub fn close(&mut self, code: u16) {
        self.session.handle_close(self.now(), self.socket, code, String::new());
        self.perform();
    }

    pub fn wake(&mut self) {
        self.session.handle_wake(self.now());
        self.perform();
    }

    /// The connection breaks, and the client reconnects.
    pub fn reconnect(&mut self) {
        self.close(1006);
        self.wait_for_attempt();
        self.opened();
    }

    pub fn object(&mut self, id: Option<&str>, number: Option<u64>, label: &str) {
        let incoming = Incoming { id: id.map(str::to_owned), number, object: label.to_owned() };
        self.session.handle_incoming(self.now(), self.socket, incoming);
        self.perform();
    }

    /// A message without a number, whose label is its id.
    pub fn id(&mut self, id: &str) {
        self.object(Some(id), None, id);
    }

    /// A numbered message, whose label is its number, written a moment before now.
    pub fn number(&mut self, number: u64) {
        let id = format!("{}-{number}", START_MS - 100_000 + number);
        self.object(Some(&id), Some(number), &number.to_string());
    }

    pub fn numbers(&mut self, numbers: impl IntoIterator<Item = u64>) {
        numbers.into_iter().for_each(|number| self.number(number));
    }

    pub fn timeout(&mut self) {
        self.session.handle_timeout(self.now());
        self.perform();
    }

    pub fn wait(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        while let Some(at) = self.session.poll_timeout().filter(|at| at.0 <= end_ms) {
            self.now_ms = self.now_ms.max(at.0);
            self.timeout();
        }
        self.now_ms = end_ms;
    }

    pub fn wait_for_attempt(&mut self) {
        let socket = self.socket;
        while self.socket == socket {
            let at = self.session.poll_timeout().expect("an attempt is waited for");
            self.wait(at.ms_since(self.now()));
        }
    }

    pub fn perform(&mut self) {
        while let Some(output) = self.session.poll_output() {
            let line = match output {
                Output::Connect(socket) => {
                    self.socket = socket;
                    self.url = self.session.url().expect("it is opening").to_owned();
                    "connect".to_owned()
                }
                Output::Disconnect { .. } => "disconnect".to_owned(),
                Output::Send { frame: Frame::Ack(text) | Frame::Cast(text), .. } => format!("send {text}"),
                Output::FetchToken { fetch, refresh } => {
                    self.fetch = fetch;
                    format!("fetch token refresh={refresh}")
                }
                Output::Event(event) => self.event(event),
            };
            self.lines.push(line);
        }
    }

    fn event(&mut self, event: Event<Message<String>, String>) -> String {
        match event {
            Event::State(State::Waiting { reason, .. }) => format!("waiting {}", reason.code.as_str()),
            Event::State(state) => state.name().to_owned(),
            Event::Attached { position, .. } => {
                let line = format!("attached {}/{}", position.epoch, position.offset);
                self.position = Some(position);
                line
            }
            Event::Deliver { channel, batch, .. } => self.deliver(channel, batch),
            Event::Gap { gap, position, .. } => {
                self.gaps.push((gap.from, gap.to));
                self.position = Some(position);
                format!("gap {} {}..={}", gap.reason.as_str(), gap.from, gap.to.unwrap_or(0))
            }
            Event::Live { .. } => "live".to_owned(),
            Event::Cast { data, .. } => format!("cast {data}"),
            Event::PublishFailed { error, .. } | Event::Error { error, .. } => {
                format!("error {}", error.code)
            }
            other @ Event::Published { .. } => format!("{other:?}"),
        }
    }

    fn deliver(&mut self, channel: ChannelId, batch: Batch<Message<String>>) -> String {
        let Batch { n, replay, payload: Message { position_id, object, .. }, .. } = batch;
        let epoch = self.position.as_ref().map_or(String::new(), |position| position.epoch.clone());
        let position = Position { epoch, offset: n, id: position_id };
        self.position = Some(position.clone());
        if self.processes {
            self.session.processed(self.now(), channel, 1, position);
        }
        let line = format!("{} {object} at {n}", if replay { "replay" } else { "live" });
        self.delivered.push(object);
        line
    }

    /// Returns the lines since the last call.
    pub fn lines(&mut self) -> Vec<String> {
        self.perform();
        std::mem::take(&mut self.lines)
    }
}
