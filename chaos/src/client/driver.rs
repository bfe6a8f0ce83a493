//! The driver of the core: socket events in, outputs out, and what the application observes.

use seamline::core::{Batch, ChannelId, Event, Output, SocketId};
use seamline::wire::Position;

use super::Client;
use crate::frames::{self, Data, Incoming, Messages};
use crate::record::{Acknowledged, Observed, now_ms};
use crate::socket::{Socket, SocketEvent};

impl Client {
    pub(super) fn socket_event(&mut self, id: SocketId, event: SocketEvent) {
        let now = self.now();
        match event {
            SocketEvent::Open => self.session.handle_open(now, id),
            SocketEvent::Closed(code, reason) => self.session.handle_close(now, id, code, reason),
            SocketEvent::Text(text) => match frames::read(&text) {
                Ok(Incoming::Messages(ch, batch)) => self.session.handle_messages(now, id, &ch, batch),
                Ok(Incoming::Frame(frame)) => self.session.handle_frame(now, id, frame),
                Ok(Incoming::Unknown) => self.session.handle_unknown_frame(now, id),
                Err(problem) => self.session.handle_bad_frame(now, id, problem),
            },
        }
    }

    pub(super) fn perform(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Connect(id) => {
                    let url = self.urls[self.rng.between(0, self.urls.len() as u64) as usize].clone();
                    self.socket = Some(Socket::open(id, url, self.events.clone()));
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
                self.observe_position(channel, position, |position| Observed::Attached(position, now_ms()));
            }
            Event::Gap { channel, gap, position } => {
                self.observe_position(channel, position, |position| Observed::Gap(gap, position, now_ms()));
            }
            Event::Deliver { channel, batch, skip } => self.dispatch(channel, batch, skip),
            Event::Published { publish, id, offset } => {
                if let Some((ch, key)) = self.pending.remove(&publish) {
                    self.record.acknowledged.push(Acknowledged { ch, key, id, offset });
                    self.report_progress();
                }
            }
            Event::PublishFailed { publish, error } => {
                self.pending.remove(&publish);
                self.record.refused.push(format!("{}: {}", error.code, error.message));
                self.report_progress();
            }
            Event::State(_) | Event::Live { .. } | Event::Cast { .. } | Event::Error { .. } => {}
        }
    }

    /// The application gets the messages that are new, and has processed them at once.
    fn dispatch(&mut self, channel: ChannelId, batch: Batch<Messages>, skip: u64) {
        for (i, (id, key)) in batch.payload.into_iter().enumerate().skip(skip as usize) {
            let offset = batch.n + i as u64;
            self.observe(channel, offset, Observed::Message(offset, id, key));
        }
        let Some((_, epoch)) = self.channels.get(&channel) else { return };
        let offset = batch.n + batch.count - 1;
        let position = Position { epoch: epoch.clone(), offset, id: Some(batch.last_id) };
        self.session.processed(self.now(), channel, batch.count - skip, position);
    }

    fn observe_position(
        &mut self,
        channel: ChannelId,
        position: Position,
        observed: impl FnOnce(Position) -> Observed,
    ) {
        if let Some((_, epoch)) = self.channels.get_mut(&channel) {
            epoch.clone_from(&position.epoch);
        }
        self.observe(channel, position.offset, observed(position));
    }

    fn observe(&mut self, channel: ChannelId, offset: u64, observed: Observed) {
        let Some((ch, epoch)) = self.channels.get(&channel) else { return };
        self.record.observed.entry(*ch).or_default().push(observed);
        self.progress.send_modify(|progress| {
            progress.positions.insert(*ch, (epoch.clone(), offset));
        });
    }

    pub(super) fn report_progress(&self) {
        self.progress.send_modify(|progress| progress.unanswered = self.pending.len());
    }
}
