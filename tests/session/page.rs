//! Plays the driver and the server for one session.

use seamline::core::{
    BackoffConfig, Batch, ChannelId, Config, Event, FetchId, Instant, Output, PublishId, Session, SocketId,
    State,
};
use seamline::wire::{Ahead, ClientFrame, MessageId, Position, ServerFrame, StartAt};

/// The channel that the tests use.
pub const ROOM: &str = "room";
/// What the server sends in `welcome`.
pub const HEARTBEAT_MS: u64 = 25_000;
pub const FRAME_BYTES_MAX: u64 = 1_000;
/// Far from 0, so that the clock can be set back.
const START_MS: u64 = 1_000_000;

pub struct Page {
    pub session: Session<(), &'static str>,
    pub now_ms: u64,
    /// The socket that the session requested last.
    pub socket: SocketId,
    /// The token that it requested last.
    pub fetch: FetchId,
    /// The publications that failed.
    pub failed: Vec<PublishId>,
    /// How far the server may go without credit, by the last `sub`.
    pub ahead: Option<Ahead>,
    /// The size of each message that the server sends.
    pub message_bytes: u64,
    lines: Vec<String>,
}

/// Small numbers, so that the tests can reach the limits.
pub fn config() -> Config {
    Config {
        client_id: "tester".to_owned(),
        backoff: BackoffConfig { initial_ms: 500, max_ms: 20_000 },
        replay_credit: 100,
        queue_messages_max: 300,
        outbox_messages_max: 3,
        ..Config::default()
    }
}

pub fn position(epoch: &str, offset: u64) -> Position {
    Position { epoch: epoch.to_owned(), offset, id: None }
}

pub fn id(offset: u64) -> MessageId {
    MessageId { ms: 1_700_000_000_000 + offset, seq: 0 }
}

impl Page {
    pub fn new(config: Config) -> Self {
        let session = Session::new(config, 1, Instant(START_MS));
        Page {
            session,
            now_ms: START_MS,
            socket: 0,
            fetch: 0,
            failed: Vec::new(),
            ahead: None,
            message_bytes: 10,
            lines: Vec::new(),
        }
    }

    /// A page that is connected, with an empty list of lines.
    pub fn open(config: Config) -> Self {
        let mut page = Page::new(config);
        page.connect();
        page.greet();
        page.lines();
        page
    }

    /// A connected page that is live on the room at this offset of epoch `e`, whose log begins at 1.
    pub fn live_at(offset: u64, config: Config) -> (Self, ChannelId) {
        let mut page = Page::open(config);
        let channel = page.subscribe(Some(position("e", offset)));
        page.subd("e", 1, offset, offset);
        page.live(offset);
        page.lines();
        (page, channel)
    }

    /// Subscribed after offset 5, and the log has 1..=head: the replay is about to start.
    pub fn replaying(head: u64) -> Self {
        let mut page = Page::open(config());
        page.subscribe(Some(position("e", 5)));
        page.subd("e", 1, head, 5);
        page.lines();
        page
    }

    pub fn now(&self) -> Instant {
        Instant(self.now_ms)
    }

    /// Returns what the session has done since the last call.
    pub fn lines(&mut self) -> Vec<String> {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Connect(socket) => self.socket = socket,
                Output::FetchToken { fetch, .. } => self.fetch = fetch,
                Output::Send { frame: ClientFrame::Sub { ahead, .. }, .. } => self.ahead = ahead,
                Output::Event(Event::PublishFailed { publish, .. }) => self.failed.push(publish),
                _ => {}
            }
            self.lines.push(line(&output));
        }
        std::mem::take(&mut self.lines)
    }

    /// How many of the lines begin with this.
    pub fn count(&mut self, beginning: &str) -> usize {
        self.lines().iter().filter(|line| line.starts_with(beginning)).count()
    }

    /// The last `sub` among the lines.
    pub fn last_sub(&mut self) -> String {
        self.lines().into_iter().rfind(|line| line.starts_with("sub ")).expect("it subscribes")
    }

    fn collect(&mut self) {
        self.lines = self.lines();
    }

    // The application.

    pub fn connect(&mut self) {
        self.session.connect(self.now());
        self.collect();
    }

    pub fn subscribe(&mut self, position: Option<Position>) -> ChannelId {
        self.session.subscribe(self.now(), ROOM.to_owned(), None, position).unwrap()
    }

    pub fn subscribe_from(&mut self, from: StartAt) -> ChannelId {
        self.session.subscribe(self.now(), ROOM.to_owned(), Some(from), None).unwrap()
    }

    pub fn publish(&mut self, key: &str) -> PublishId {
        self.publish_to(ROOM, key)
    }

    pub fn publish_to(&mut self, ch: &str, key: &str) -> PublishId {
        self.session.publish(self.now(), ch.to_owned(), key.to_owned(), "hi", 4).unwrap()
    }

    /// Publishes a payload of this size.
    pub fn publish_bytes(&mut self, key: &str, bytes: u64) -> PublishId {
        self.session.publish(self.now(), ROOM.to_owned(), key.to_owned(), "hi", bytes).unwrap()
    }

    pub fn processed(&mut self, channel: ChannelId, count: u64, offset: u64) {
        self.session.processed(self.now(), channel, count, position("e", offset));
    }

    // Time.

    /// Lets time pass, with timers that fire on time.
    pub fn wait(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        while let Some(at) = self.session.poll_timeout().filter(|at| at.0 <= end_ms) {
            self.now_ms = self.now_ms.max(at.0);
            self.session.handle_timeout(self.now());
            self.collect();
        }
        self.now_ms = end_ms;
    }

    /// Lets time pass until the session requests a socket.
    pub fn wait_for_attempt(&mut self) {
        self.collect();
        let socket = self.socket;
        while self.socket == socket {
            let at = self.session.poll_timeout().expect("an attempt is waited for");
            self.wait(at.ms_since(self.now()));
        }
    }

    /// Lets time pass as in a page that sleeps: the timers fire once, at the end.
    pub fn sleep(&mut self, ms: u64) {
        self.now_ms += ms;
        self.session.handle_timeout(self.now());
    }

    // The server.

    /// The socket opens, and the server sends `welcome`.
    pub fn greet(&mut self) {
        self.opened();
        self.welcome();
    }

    pub fn opened(&mut self) {
        self.collect();
        self.session.handle_open(self.now(), self.socket);
    }

    pub fn welcome(&mut self) {
        self.welcome_with(FRAME_BYTES_MAX);
    }

    /// `welcome` with this limit of frames.
    pub fn welcome_with(&mut self, max_frame_bytes: u64) {
        let session = "s".to_owned();
        self.frame(ServerFrame::Welcome { session, heartbeat_ms: HEARTBEAT_MS, max_frame_bytes });
    }

    pub fn frame(&mut self, frame: ServerFrame<&'static str>) {
        self.session.handle_frame(self.now(), self.socket, frame);
    }

    pub fn subd(&mut self, epoch: &str, first: u64, head: u64, at: u64) {
        self.subd_of(None, epoch, first, head, (None, at));
    }

    /// `subd` with all optional fields.
    pub fn subd_of(
        &mut self,
        reference: Option<u64>,
        epoch: &str,
        first: u64,
        head: u64,
        (at_epoch, at): (Option<&str>, u64),
    ) {
        let (ch, epoch, at_epoch) = (ROOM.to_owned(), epoch.to_owned(), at_epoch.map(str::to_owned));
        self.frame(ServerFrame::Subd { ch, epoch, first, head, at, at_epoch, reference, resumed: true });
    }

    pub fn live(&mut self, head: u64) {
        self.frame(ServerFrame::Live { ch: ROOM.to_owned(), head, reference: None });
    }

    pub fn puback(&mut self, key: &str, offset: u64) {
        self.puback_of(ROOM, key, offset);
    }

    pub fn puback_of(&mut self, ch: &str, key: &str, offset: u64) {
        let (ch, key) = (ch.to_owned(), key.to_owned());
        self.frame(ServerFrame::PubAck { ch, key, id: id(offset), offset });
    }

    pub fn pubnack(&mut self, key: &str, retry_after_ms: Option<u64>) {
        let (ch, key) = (ROOM.to_owned(), key.to_owned());
        let (code, message) = ("busy".to_owned(), "not now".to_owned());
        self.frame(ServerFrame::PubNack { ch, key, code, message, retry_after_ms });
    }

    pub fn error(&mut self, ch: Option<&str>, retry_after_ms: Option<u64>) {
        self.error_of("log_error", ch, None, retry_after_ms);
    }

    /// `err` with all optional fields.
    pub fn error_of(
        &mut self,
        code: &str,
        ch: Option<&str>,
        reference: Option<u64>,
        retry_after_ms: Option<u64>,
    ) {
        let (code, message, ch) = (code.to_owned(), "the log failed".to_owned(), ch.map(str::to_owned));
        self.frame(ServerFrame::Err { code, message, ch, reference, retry_after_ms });
    }

    /// Messages of the live stream.
    pub fn msgs(&mut self, n: u64, count: u64) {
        self.msgs_on(self.socket, n, count, false);
    }

    /// Messages of the replay.
    pub fn replay(&mut self, n: u64, count: u64) {
        self.msgs_on(self.socket, n, count, true);
    }

    pub fn msgs_on(&mut self, socket: SocketId, n: u64, count: u64, replay: bool) {
        let bytes = count * self.message_bytes;
        let batch = Batch { n, count, last_id: id(n + count - 1), replay, bytes, payload: () };
        self.session.handle_messages(self.now(), socket, ROOM, batch);
    }

    /// The socket closes.
    pub fn close(&mut self, code: u16) {
        self.session.handle_close(self.now(), self.socket, code, "server's words".to_owned());
    }

    /// The server restarts, which no publication is blamed for, and a new socket opens.
    pub fn reopen(&mut self) {
        self.close(1012);
        self.wait_for_attempt();
        self.lines();
        self.opened();
    }

    /// The connection breaks, and the client reconnects.
    pub fn reconnect(&mut self) {
        self.reconnect_after(1006);
    }

    /// The same, closed with this code.
    pub fn reconnect_after(&mut self, code: u16) {
        self.close(code);
        self.wait_for_attempt();
        self.greet();
    }
}

fn line(output: &Output<(), &'static str>) -> String {
    match output {
        Output::Connect(socket) => format!("connect {socket}"),
        Output::Disconnect { socket, code } => format!("disconnect {socket} {code}"),
        Output::Send { frame, .. } => frame_line(frame),
        Output::FetchToken { refresh, .. } => format!("fetch token refresh={refresh}"),
        Output::Event(event) => event_line(event),
    }
}

fn frame_line(frame: &ClientFrame<&'static str>) -> String {
    match frame {
        ClientFrame::Hello { client_id, lineage, token, .. } => {
            let more = [
                lineage.as_ref().map(|names| format!(" lineage {names}")),
                token.as_ref().map(|token| format!(" {token}")),
            ];
            format!("hello {client_id}{}", more.into_iter().flatten().collect::<String>())
        }
        ClientFrame::Sub { ch, position: Some(at), credit, .. } => {
            format!("sub {ch} {}/{} credit {credit}", at.epoch, at.offset)
        }
        ClientFrame::Sub { ch, from, credit, .. } => format!("sub {ch} from {from:?} credit {credit}"),
        ClientFrame::More { ch, credit } => format!("more {ch} {credit}"),
        ClientFrame::Unsub { ch } => format!("unsub {ch}"),
        ClientFrame::Pub { key, .. } => format!("pub {key}"),
        ClientFrame::Cast { ch, data } => format!("cast {ch} {data}"),
        ClientFrame::Ack { ch, epoch, offset, .. } => format!("ack {ch} {epoch}/{offset}"),
        ClientFrame::Token { token } => format!("token {token}"),
        ClientFrame::Ping => "ping".to_owned(),
    }
}

fn event_line(event: &Event<(), &'static str>) -> String {
    match event {
        Event::State(State::Waiting { attempt, reason, .. }) => {
            format!("waiting {attempt} {}", reason.code.as_str())
        }
        Event::State(State::Closed { reason }) => format!("closed {}", reason.code.as_str()),
        Event::State(state) => state.name().to_owned(),
        Event::Attached { position, .. } => format!("attached {}/{}", position.epoch, position.offset),
        Event::Deliver { batch, skip, .. } => {
            format!("deliver {}..={}", batch.n + skip, batch.n + batch.count - 1)
        }
        Event::Gap { gap, position, .. } => {
            let to = gap.to.map_or(String::new(), |to| format!("={to}"));
            let reason = gap.reason.as_str();
            format!("gap {reason} {}..{to}, on from {}/{}", gap.from, position.epoch, position.offset)
        }
        Event::Live { .. } => "live".to_owned(),
        Event::Cast { data, .. } => format!("cast {data}"),
        Event::Published { publish, offset, .. } => format!("published {publish} at {offset}"),
        Event::PublishFailed { publish, error } => format!("publish failed {publish} {}", error.code),
        Event::Error { error, .. } => format!("error {}", error.code),
    }
}
