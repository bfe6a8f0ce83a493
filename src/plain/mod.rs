//! The plain dialect: servers that send one flat JSON object per message, and know nothing of
//! `seamline.v1`.
//!
//! Expected of such a server, and survived: it replays everything from the start on each connect, or
//! from a `last_message_id`; it sends each live message twice; its replay and its live stream overlap;
//! live messages come a little out of order; it has no epoch, never says what is missing, answers no
//! ping, and closes without a code. `docs/PROTOCOL.md` has the wire, and what cannot be promised on it.
//!
//! [`Plain`] is a translator between that wire and a [`Session`], which stays as it is: to the
//! session, it plays a server that speaks `seamline.v1`. It has no clock and no I/O either. A driver
//! hands it what comes from the socket, instead of handing it to the session; hands it each output of
//! the session ([`Plain::translate`]), and performs the [`Step`] that comes back; and calls
//! [`Plain::handle_timeout`] when [`Plain::poll_timeout`] says so. After every call into either, the
//! session's outputs are to be polled.
//!
//! Instants are taken for Unix time here. Only what cannot do harm depends on it: whether a message
//! counts as replayed, when a channel is told to be live, and how long a first number is held back.
//!
//! A message is remembered as seen when the session *hands it over*, not when it comes: what the
//! session lets go of must be new when it comes again.

mod connection;
mod key;
mod messages;
pub mod object;
mod order;
mod raw;
mod settle;
mod subscription;
mod url;
mod window;

use self::connection::Connection;
use self::key::{Item, Key, Numbering};
use self::order::Order;
use self::settle::Settle;
use self::window::{Recent, Window};
use crate::core::{Batch, ChannelId, Error, Event, Instant, Output, Session, SocketId};
use crate::wire::{ClientFrame, Json, MessageId, Position, ServerFrame, StartAt, push_number};

/// The largest number that a message can have: the npm package gives offsets as JavaScript numbers, which are
/// exact up to here.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;

/// Settings of the plain dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainConfig {
    /// Where a message's id is, as names joined by dots; the first that is there counts. An object
    /// without one is an ephemeral event. Integers of any size keep their digits. Default: `stream_id`, else
    /// `id`, else `message.id`.
    pub id_paths: Vec<String>,
    /// Where its number is, in the same way. Numbers must be contiguous from 1, over all messages of
    /// the conversation; where they are not, leave this empty. One above [`NUMBER_MAX`] counts as none; the error `bad_number` reports
    /// it once. Default: `sequence_number`, else `message.sequence_number`.
    pub number_paths: Vec<String>,
    /// By how much messages may come out of order, or a replay pause while live messages overtake it.
    /// Default 2 s.
    pub settle_ms: u64,
    /// How many ids are remembered, and how many messages may wait for a missing number. Default
    /// 4,096.
    pub window_messages: u64,
    /// When the page wakes up, a connection on which nothing has come for so long is replaced; there is
    /// no way to ask whether it lives. Default 10 s.
    pub silence_ms: u64,
}

impl Default for PlainConfig {
    fn default() -> Self {
        let paths = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect();
        PlainConfig {
            id_paths: paths(&["stream_id", "id", "message.id"]),
            number_paths: paths(&["sequence_number", "message.sequence_number"]),
            settle_ms: 2_000,
            window_messages: 4_096,
            silence_ms: 10_000,
        }
    }
}

impl PlainConfig {
    /// `window_messages` as a length, which has 32 bits in a page.
    fn window_max(&self) -> usize {
        usize::try_from(self.window_messages).unwrap_or(usize::MAX)
    }
}

/// An object that came in, with what was read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming<M> {
    /// The id, if it has one.
    pub id: Option<String>,
    /// The number, if it has one.
    pub number: Option<u64>,
    /// The whole of it, which is not looked at.
    pub object: M,
}

/// Something for the driver to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<M> {
    /// Open a WebSocket, without a subprotocol.
    Connect {
        /// Report on it under this id.
        socket: SocketId,
        /// The address, with the token and the resume point.
        url: String,
    },
    /// Send this text.
    SendText {
        /// The socket.
        socket: SocketId,
        /// A JSON object.
        text: String,
    },
    /// Send this object as JSON.
    SendObject {
        /// The socket.
        socket: SocketId,
        /// What the application cast.
        object: M,
    },
    /// Hand over a message: an [`Event::Deliver`] whose payload is the object.
    Deliver {
        /// The channel.
        channel: ChannelId,
        /// The message's id, as the server has written it.
        id: String,
        /// The message.
        batch: Batch<M>,
        /// The id of the position after it. Where messages are not numbered it lags behind the
        /// message's own.
        position_id: Option<MessageId>,
    },
    /// As for any other server: `Disconnect`, `FetchToken`, or another event.
    Other(Output<M, M>),
}

/// The translator. `M` holds an object.
#[derive(Debug)]
pub struct Plain<M> {
    url: String,
    conversation: Option<String>,
    config: PlainConfig,
    /// The one channel.
    name: Option<String>,
    /// Whose place this is: the name may be that of another channel by now.
    adopted: Option<ChannelId>,
    /// Channels that were refused; each is told once.
    refused: Vec<String>,
    /// Where the application has the channel begin.
    start: Option<Position>,
    numbering: Numbering,
    /// The session's position.
    offset: u64,
    window: Window,
    recent: Recent,
    settle: Settle,
    order: Order<Item<M>>,
    /// The id of what is being handed to the session.
    handing: String,
    /// Whether the application was told of a number above `NUMBER_MAX`.
    told_large_number: bool,
    /// The id of the last numbered message that was delivered.
    last_id: Option<MessageId>,
    acked: Option<MessageId>,
    /// Answers given in the server's place to what the application does. They wait for the next
    /// timeout: an answer must not come before the call has returned.
    answers: Vec<ServerFrame<M>>,
    connection: Option<Connection>,
}

impl<M: Clone> Plain<M> {
    /// A translator for the server at `url`.
    pub fn new(url: String, config: PlainConfig) -> Self {
        let window_max = config.window_max();
        Plain {
            conversation: url::parameter(&url, "conversation_id"),
            url,
            name: None,
            adopted: None,
            refused: Vec::new(),
            start: None,
            numbering: Numbering::Unknown,
            offset: 0,
            window: Window::new(None, window_max),
            recent: Recent::new(window_max),
            settle: Settle::new(None, config.settle_ms),
            order: Order::new(window_max),
            handing: String::new(),
            told_large_number: false,
            last_id: None,
            acked: None,
            answers: Vec::new(),
            connection: None,
            config,
        }
    }

    /// The settings.
    pub fn config(&self) -> &PlainConfig {
        &self.config
    }

    /// Turns an output of the session into what is to be done on the wire, if anything is.
    pub fn translate(
        &mut self,
        session: &mut Session<M, M>,
        now: Instant,
        output: Output<M, M>,
    ) -> Option<Step<M>> {
        match output {
            Output::Connect(socket) => {
                let url = self.address(session);
                self.connection = Some(Connection::new(socket, self.resume()));
                Some(Step::Connect { socket, url })
            }
            Output::Disconnect { .. } => {
                self.detach();
                Some(Step::Other(output))
            }
            Output::Send { socket, frame } => self.send(session, now, socket, frame),
            Output::FetchToken { .. } => Some(Step::Other(output)),
            Output::Event(event) => self.event(session, now, event),
        }
    }

    /// The URL of an attempt. What the application wrote into it stays, except where this client
    /// knows better: the token that it fetched, and the resume point.
    fn address(&mut self, session: &Session<M, M>) -> String {
        // While there was no connection, the channel may have been closed, and opened again elsewhere.
        let (channel, position) = session.channel_or_first(self.name.as_deref()).unzip();
        self.adopt(channel, position.flatten());
        let resume = self.resume().map(|id| id.text());
        let mut parameters = Vec::new();
        parameters.extend(session.token().map(|token| ("token", token)));
        if url::parameter(&self.url, "client_id").is_none() {
            parameters.push(("client_id", session.client_id()));
            parameters.extend(session.lineage().map(|lineage| ("lineage", lineage)));
        }
        parameters.extend(resume.as_deref().map(|id| ("last_message_id", id)));
        url::with_parameters(&self.url, &parameters)
    }

    /// A frame of `seamline.v1`: answered in the server's place, or turned into what the server takes.
    fn send(
        &mut self,
        session: &mut Session<M, M>,
        now: Instant,
        socket: SocketId,
        frame: ClientFrame<M>,
    ) -> Option<Step<M>> {
        match frame {
            ClientFrame::Hello { .. } => {
                let session_name = String::new();
                let (heartbeat_ms, max_frame_bytes) = (connection::HEARTBEAT_MS, u64::MAX);
                let welcome = ServerFrame::Welcome { session: session_name, heartbeat_ms, max_frame_bytes };
                session.handle_frame(now, socket, welcome);
            }
            ClientFrame::Sub { ch, position, from, credit, .. } => {
                // Without credit it is for ephemeral events only: there is no message to pass over.
                let from = from.filter(|_| credit > 0);
                self.subscribe(session, now, ch, position, from);
            }
            ClientFrame::Unsub { ch } => self.unsubscribe(session, &ch),
            ClientFrame::Pub { ch, key, .. } => self.answers.push(cannot_publish(ch, key)),
            ClientFrame::Ping => self.ping(session, now),
            ClientFrame::Cast { data, .. } => return Some(Step::SendObject { socket, object: data }),
            ClientFrame::Ack { id, .. } => return self.acknowledge(socket, id),
            ClientFrame::More { .. } | ClientFrame::Token { .. } => {}
        }
        None
    }

    fn acknowledge(&mut self, socket: SocketId, id: Option<MessageId>) -> Option<Step<M>> {
        let id = id.filter(|id| self.acked != Some(*id))?;
        self.acked = Some(id);
        let mut json = Json::default();
        json.text("type", "ack").text("msg_id", &id.text());
        if let Some(conversation) = &self.conversation {
            json.text("conversation_id", conversation);
        }
        json.0.push('}');
        Some(Step::SendText { socket, text: json.0 })
    }

    /// From where the server is to replay.
    fn resume(&self) -> Option<MessageId> {
        let floor = self.window.floor();
        let Some(last) = self.last_id else { return self.settle.resume().max(floor) };
        // Ids need not be given in the order of the numbers: ask for a little more.
        let settled = MessageId { ms: last.ms.saturating_sub(self.config.settle_ms), seq: 0 };
        // As long as no message is that old, the moment itself will do: ids like these are compared.
        self.window.highest_below(settled).or(floor).or((settled.ms > 0).then_some(settled))
    }

    /// The connection is gone. What is unanswered is asked again on the next one.
    fn detach(&mut self) {
        self.connection = None;
        if !self.answers.is_empty() {
            self.answers.clear();
            self.refused.clear();
        }
        self.order.let_go();
    }
}

fn cannot_publish<D>(ch: String, key: String) -> ServerFrame<D> {
    let message = "nothing can be published over this server's WebSocket: use its HTTP API".to_owned();
    ServerFrame::PubNack { ch, key, code: "not_supported".to_owned(), message, retry_after_ms: None }
}
