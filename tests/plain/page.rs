//! Plays the driver for one session and its translator.

use seamline::core::{
    BackoffConfig, ChannelId, Config, Event, FetchId, Instant, Output, Session, SocketId, State,
};
use seamline::plain::{Incoming, Plain, PlainConfig, Step};
use seamline::wire::Position;

pub const ROOM: &str = "room";
pub const URL: &str = "ws://h/ws?conversation_id=c1";
/// Unix time, as ids have it.
pub const START_MS: u64 = 1_000_000;
pub const SETTLE_MS: u64 = 2_000;

pub struct Page {
    pub session: Session<String, String>,
    pub plain: Plain<String>,
    pub now_ms: u64,
    pub socket: SocketId,
    /// The token that the session asked for last.
    pub fetch: FetchId,
    /// The address of the last attempt.
    pub url: String,
    /// Labels of the messages that were handed over, in order.
    pub delivered: Vec<String>,
    /// The position after the last of them, as the npm package keeps it.
    pub position: Option<Position>,
    /// Gaps told so far.
    pub gaps: Vec<(u64, Option<u64>)>,
    /// Whether each message is processed as soon as it is handed over.
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
        let session = Session::new(config, 1, Instant(START_MS));
        let plain = Plain::new(URL.to_owned(), plain);
        Page {
            session,
            plain,
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
        let channel = self.session.subscribe(self.now(), ROOM.to_owned(), None, position).unwrap();
        self.perform();
        channel
    }

    pub fn opened(&mut self) {
        let now = self.now();
        self.plain.handle_open(&mut self.session, now, self.socket);
        self.perform();
    }

    pub fn close(&mut self, code: u16) {
        let now = self.now();
        self.plain.handle_close(&mut self.session, now, self.socket, code, String::new());
        self.perform();
    }

    pub fn wake(&mut self) {
        let now = self.now();
        self.plain.handle_wake(&mut self.session, now);
        self.perform();
    }

    /// The connection breaks and comes back.
    pub fn reconnect(&mut self) {
        self.close(1006);
        self.wait_for_attempt();
        self.opened();
    }

    pub fn object(&mut self, id: Option<&str>, number: Option<u64>, label: &str) {
        let incoming = Incoming { id: id.map(str::to_owned), number, object: label.to_owned() };
        let now = self.now();
        self.plain.handle_object(&mut self.session, now, self.socket, incoming);
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

    /// The next moment at which something is to be done.
    pub fn next_timeout(&self) -> Option<Instant> {
        [self.session.poll_timeout(), self.plain.poll_timeout()].into_iter().flatten().min()
    }

    pub fn timeout(&mut self) {
        let now = self.now();
        self.plain.handle_timeout(&mut self.session, now);
        self.session.handle_timeout(now);
        self.perform();
    }

    pub fn wait(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        while let Some(at) = self.next_timeout().filter(|at| at.0 <= end_ms) {
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
            if let Some(step) = self.plain.translate(&mut self.session, Instant(self.now_ms), output) {
                self.act(step);
            }
        }
    }

    fn act(&mut self, step: Step<String>) {
        let line = match step {
            Step::Connect { socket, url } => {
                self.socket = socket;
                self.url = url;
                "connect".to_owned()
            }
            Step::SendText { text, .. } => format!("send {text}"),
            Step::SendObject { object, .. } => format!("send {object}"),
            Step::Deliver { channel, batch, position_id, .. } => {
                self.delivered.push(batch.payload.clone());
                let epoch = self.position.as_ref().map_or(String::new(), |position| position.epoch.clone());
                let position = Position { epoch, offset: batch.n, id: position_id };
                self.position = Some(position.clone());
                if self.processes {
                    self.session.processed(Instant(self.now_ms), channel, 1, position);
                }
                let how = if batch.replay { "replay" } else { "live" };
                format!("{how} {} at {}", batch.payload, batch.n)
            }
            Step::Other(output) => self.other(output),
        };
        self.lines.push(line);
    }

    fn other(&mut self, output: Output<String, String>) -> String {
        match output {
            Output::Disconnect { .. } => "disconnect".to_owned(),
            Output::FetchToken { fetch, refresh } => {
                self.fetch = fetch;
                format!("fetch token refresh={refresh}")
            }
            Output::Event(Event::State(State::Waiting { reason, .. })) => {
                format!("waiting {}", reason.code.as_str())
            }
            Output::Event(Event::State(state)) => state.name().to_owned(),
            Output::Event(Event::Attached { position, .. }) => {
                let line = format!("attached {}/{}", position.epoch, position.offset);
                self.position = Some(position);
                line
            }
            Output::Event(Event::Gap { gap, position, .. }) => {
                self.gaps.push((gap.from, gap.to));
                self.position = Some(position);
                format!("gap {} {}..={}", gap.reason.as_str(), gap.from, gap.to.unwrap_or(0))
            }
            Output::Event(Event::Live { .. }) => "live".to_owned(),
            Output::Event(Event::Cast { data, .. }) => format!("cast {data}"),
            Output::Event(Event::PublishFailed { error, .. } | Event::Error { error, .. }) => {
                format!("error {}", error.code)
            }
            other => format!("{other:?}"),
        }
    }

    /// Takes what happened since the last time.
    pub fn lines(&mut self) -> Vec<String> {
        self.perform();
        std::mem::take(&mut self.lines)
    }
}
