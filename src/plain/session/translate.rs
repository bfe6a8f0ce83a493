//! The session's outputs, for a plain server: answered in the server's place, or translated for it.

use super::connection::{Connection, HEARTBEAT_MS};
use super::{PlainSession, url};
use crate::core::{Batch, Event, Output, SocketId};
use crate::plain::frame::{Frame, Message};
use crate::wire::{ClientFrame, Json, MessageId, ServerFrame, code};

impl<M: Clone> PlainSession<M> {
    /// What is left to do for the driver, if anything.
    pub(super) fn translate(
        &mut self,
        output: Output<Message<M>, M>,
    ) -> Option<Output<Message<M>, M, Frame<M>>> {
        Some(match output {
            Output::Connect(socket) => {
                let url = self.address();
                let resume_after = self.history.resume();
                self.connection = Connection::Opening { socket, url, resume_after };
                Output::Connect(socket)
            }
            Output::Disconnect { socket, code } => {
                self.detach();
                Output::Disconnect { socket, code }
            }
            Output::Send { socket, frame } => Output::Send { socket, frame: self.send(socket, frame)? },
            Output::FetchToken { fetch, refresh } => Output::FetchToken { fetch, refresh },
            Output::Event(event) => Output::Event(self.event(event)?),
        })
    }

    /// The URL of an attempt. The application's parameters stay, except for two that this client sets: the
    /// token that it fetched, and the resume point.
    fn address(&mut self) -> String {
        // While there was no connection, the channel may have been closed and reopened at another position.
        let named = self.session.channels().find(|(name, ..)| self.name.as_deref() == Some(name));
        let channel = named.or_else(|| self.session.channels().next());
        let (channel, position) = channel.map(|(_, id, position)| (id, position.cloned())).unzip();
        self.adopt(channel, position.flatten());
        let resume = self.history.resume().map(|id| id.text());
        let config = self.session.config();
        let mut parameters = Vec::new();
        parameters.extend(self.session.known_token().map(|token| ("token", token.as_str())));
        if url::parameter(&self.url, "client_id").is_none() {
            parameters.push(("client_id", config.client_id.as_str()));
            parameters.extend(config.lineage.as_deref().map(|lineage| ("lineage", lineage)));
        }
        parameters.extend(resume.as_deref().map(|id| ("last_message_id", id)));
        url::with_parameters(&self.url, &parameters)
    }

    fn send(&mut self, socket: SocketId, frame: ClientFrame<M>) -> Option<Frame<M>> {
        match frame {
            ClientFrame::Hello { .. } => {
                let welcome = ServerFrame::Welcome {
                    session: String::new(),
                    heartbeat_ms: HEARTBEAT_MS,
                    max_frame_bytes: u64::MAX,
                };
                self.session.handle_frame(self.now, socket, welcome);
            }
            ClientFrame::Sub { ch, position, from, credit, .. } => {
                // Without credit it is for ephemeral events only: there is no message to skip.
                self.subscribe(ch, position, from.filter(|_| credit > 0));
            }
            ClientFrame::Unsub { ch } => self.unsubscribe(&ch),
            ClientFrame::Pub { ch, key, .. } => self.answers.push(cannot_publish(ch, key)),
            ClientFrame::Ping => self.ping(),
            ClientFrame::Cast { data, .. } => return Some(Frame::Cast(data)),
            ClientFrame::Ack { id, .. } => return self.acknowledge(id),
            ClientFrame::More { .. } | ClientFrame::Token { .. } => {}
        }
        None
    }

    fn acknowledge(&mut self, id: Option<MessageId>) -> Option<Frame<M>> {
        let id = id.filter(|id| self.acknowledged != Some(*id))?;
        self.acknowledged = Some(id);
        let mut json = Json::default();
        json.text("type", "ack").text("msg_id", &id.text());
        if let Some(conversation) = &self.conversation {
            json.text("conversation_id", conversation);
        }
        json.0.push('}');
        Some(Frame::Ack(json.0))
    }

    fn event(&mut self, event: Event<Message<M>, M>) -> Option<Event<Message<M>, M>> {
        match event {
            Event::Deliver { channel, batch, skip } => {
                Some(Event::Deliver { channel, batch: self.delivered(batch), skip })
            }
            Event::Gap { ref position, .. } => {
                self.history.offset = position.offset;
                self.wait_for_missing();
                Some(event)
            }
            Event::Live { .. } => {
                // The session reports it after each repair; the application gets it once on each connection.
                let reported = &mut self.connection.subscription()?.live_reported;
                (!std::mem::replace(reported, true)).then_some(event)
            }
            event => Some(event),
        }
    }

    /// The session delivers a message: the position advances.
    fn delivered(&mut self, mut batch: Batch<Message<M>>) -> Batch<Message<M>> {
        batch.payload.position_id = self.history.delivered(batch.n, batch.payload.key());
        self.wait_for_missing();
        self.pass_next();
        batch
    }
}

fn cannot_publish<D>(ch: String, key: String) -> ServerFrame<D> {
    let message = "the server takes no publications over its WebSocket; use its HTTP API".to_owned();
    ServerFrame::PubNack { ch, key, code: code::NOT_SUPPORTED.to_owned(), message, retry_after_ms: None }
}
