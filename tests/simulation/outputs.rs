//! A session's outputs are checked against the promises, and performed.

use seamline::core::{Event, Output, Reason, ReasonCode, SocketId, State};
use seamline::wire::{ClientFrame, ServerFrame};

use crate::invariants::Credit;
use crate::log::{channel_number, epoch_number};
use crate::network::ToServer;
use crate::page::Page;
use crate::stage::{Ev, Stage};
use crate::world::World;

impl Page {
    /// Performs one output.
    pub fn act(&mut self, output: Output<Vec<u64>, u64>, world: &mut World) {
        let index = self.index as u64;
        let verdict = match output {
            Output::Connect(socket) => {
                let conn = world.net.connect(self.index, self.number, socket, &mut world.stage);
                world.stage.note("client opens connection", &[index, conn as u64]);
                self.conn = Some((socket, conn));
                self.publications.new_connection();
                for credit in &mut self.credits {
                    *credit = Credit::default();
                }
                Ok(())
            }
            Output::Disconnect { socket, code } => {
                let fits = self.conn.take_if(|conn| conn.0 == socket);
                world.stage.note("client closes connection", &[index, u64::from(code)]);
                match fits {
                    // What it reports until it is closed is reported to the session as well.
                    Some((_, conn)) => {
                        self.given_up = Some(conn);
                        world.net.carry_to_server(conn, ToServer::Close, &mut world.stage);
                        Ok(())
                    }
                    None => Err("a socket is closed that is not open".to_owned()),
                }
            }
            Output::Send { socket, frame } => self.send(socket, frame, world),
            Output::FetchToken { fetch, refresh } => {
                let wait_ms = if world.stage.rng.chance(world.stage.faults.token_fails) {
                    world.stage.rng.below(20_000)
                } else {
                    world.stage.rng.below(300)
                };
                let slow = world.stage.rng.chance(world.stage.faults.token_slow);
                let wait_ms = if slow { world.stage.rng.below(60_000) } else { wait_ms };
                // Odd and even distinguish the two kinds.
                let fetch = u64::from(fetch) * 2 + u64::from(refresh);
                let (now, running) = (self.session_now, self.fetching.replace((fetch, self.session_now)));
                let timeout_ms = self.config.token_timeout_ms;
                world.stage.check(running.is_none_or(|(_, at)| now - at >= timeout_ms), || {
                    format!("a token function is called while another call runs, {now}, {running:?}")
                });
                world.stage.after(wait_ms, Ev::Token { client: self.index, page: self.number, fetch });
                Ok(())
            }
            Output::Event(event) => self.event(event, world),
        };
        if let Err(what) = verdict {
            let client = self.index;
            world.stage.fail(|| format!("client {client}: {what}"));
        }
    }

    fn send(&mut self, socket: SocketId, frame: ClientFrame<u64>, world: &mut World) -> Result<(), String> {
        let Some((_, conn)) = self.conn.filter(|conn| conn.0 == socket) else {
            return Err("a frame for a socket that is not open".to_owned());
        };
        let index = self.index as u64;
        let reader = |ch: &str| &self.app.subs[channel_number(ch)].reader;
        match &frame {
            ClientFrame::Sub { ch, position, credit, ahead, reference, .. } => {
                let at = position.as_ref().map_or(0, |position| position.offset);
                let ch_number = channel_number(ch);
                world.stage.note(
                    "client subscribes channel, offset, credit",
                    &[index, ch_number as u64, at, *credit],
                );
                if self.credits[ch_number].subscribed {
                    world.stage.asked_again[self.index][ch_number] = reader(ch).position;
                }
                let pending = reader(ch).pending;
                self.credits[ch_number].sub(*reference, *credit, *ahead, pending, &self.config)?;
                let at = reader(ch).position;
                self.credits[ch_number].asks(at)?;
            }
            ClientFrame::More { ch, credit } => {
                self.credits[channel_number(ch)].more(*credit, reader(ch).pending, &self.config)?;
            }
            ClientFrame::Ack { ch, epoch, offset, .. } => {
                world.stage.note(
                    "client acknowledges channel, offset",
                    &[index, channel_number(ch) as u64, *offset],
                );
                reader(ch).acks(epoch_number(epoch), *offset)?;
            }
            ClientFrame::Unsub { ch } => self.credits[channel_number(ch)].asks_again(),
            ClientFrame::Ping => self.line.asks(self.session_now),
            ClientFrame::Cast { data, .. } => {
                world.stage.note("client casts", &[index, *data]);
            }
            ClientFrame::Pub { ch, key, data } => {
                let ch = channel_number(ch);
                world.stage.note("client publishes to channel, message", &[index, ch as u64, *data]);
                self.publications.sent(key, ch, *data, self.line.is_open())?;
            }
            _ => {}
        }
        world.net.carry_to_server(conn, ToServer::Frame(frame), &mut world.stage);
        Ok(())
    }

    fn event(&mut self, event: Event<Vec<u64>, u64>, world: &mut World) -> Result<(), String> {
        let index = self.index as u64;
        match event {
            Event::State(State::Connecting) => self.line.connecting(self.session_now)?,
            Event::State(State::Open) => {
                world.stage.note("client is open", &[index]);
                self.line.open(self.session_now);
            }
            Event::State(State::Waiting { attempt, retry_in_ms, reason }) => {
                world.stage.note("client waits", &[index, attempt.into(), retry_in_ms, reason.code as u64]);
                self.waiting(attempt, retry_in_ms, reason.code, world)?;
            }
            Event::State(State::Closed { reason }) => self.session_closed(reason, world)?,
            Event::State(state) => return Err(format!("no invariant for a client that is {state}")),
            Event::Published { publish, id, offset } => {
                let epoch = (id.ms - 1_700_000_000_000) / 1_000_000;
                let server = &world.server;
                self.publications.stored(publish, (epoch, offset), |ch, offset, message| {
                    server.logs[ch].epochs.get(epoch as usize).is_some_and(|log| log.had(offset, message))
                })?;
            }
            Event::PublishFailed { publish, error } => {
                let ended = error.code == "closed" && (self.closed || self.dismissed);
                let unbearable = matches!(error.code.as_str(), "undeliverable" | "too_large");
                let too_large = error.code == "too_large";
                self.publications.failed(publish, |message| {
                    ended
                        || unbearable && !world.server.bears(message)
                        || too_large && world.server.is_large(message)
                })?;
            }
            Event::Error { .. } => {}
            Event::Cast { data, .. } => {
                if !world.server.casts.contains(&data) {
                    return Err(format!("nobody cast {data}"));
                }
            }
            Event::Attached { .. } | Event::Deliver { .. } | Event::Gap { .. } | Event::Live { .. } => {
                self.channel_event(event, world)?;
            }
        }
        Ok(())
    }

    /// The connection is lost, or the attempt has failed.
    fn waiting(
        &mut self,
        attempt: u32,
        retry_in_ms: u64,
        code: ReasonCode,
        world: &mut World,
    ) -> Result<(), String> {
        let conn = self.given_up.take();
        self.conn = None;
        self.app.detached();
        let now = self.session_now;
        if code == ReasonCode::PageHidden {
            return self.line.suspended(now, attempt, retry_in_ms, &self.config);
        }
        if code == ReasonCode::Drained {
            return self.line.drained(now, attempt, retry_in_ms, &self.config);
        }
        if code == ReasonCode::HeartbeatTimeout {
            // A timer that is on time to the millisecond cannot know that the process was busy.
            let on_time = self.busy_until == world.stage.now;
            if let Some(conn) = conn.filter(|&conn| !on_time && world.is_sound(conn)) {
                return Err(format!("connection {conn} is given up, and was well"));
            }
            self.line.gives_up(now, &self.config)?;
        }
        self.line.waits(now, attempt, retry_in_ms, &self.config)
    }

    fn session_closed(&mut self, reason: Reason, world: &mut World) -> Result<(), String> {
        self.conn = None;
        if !self.closed && !self.dismissed {
            return Err(format!("the session has ended: {reason:?}"));
        }
        if !self.closed {
            let wait_ms = world.stage.rng.below(5_000);
            world.stage.after(wait_ms, Ev::Reload { client: self.index, page: self.number });
        }
        Ok(())
    }

    /// Records what a frame of the server allows or forbids.
    pub fn look_at(&mut self, frame: &ServerFrame<u64>, stage: &mut Stage) {
        let index = self.index as u64;
        match frame {
            ServerFrame::Drain { reconnect_in_ms } => {
                self.line.hint_ms = self.line.hint_ms.max(Some(*reconnect_in_ms));
            }
            ServerFrame::Err { ch: None, retry_after_ms, .. } => {
                self.line.hint_ms = self.line.hint_ms.max(*retry_after_ms);
            }
            ServerFrame::Err { ch: Some(ch), .. } => self.credits[channel_number(ch)].asks_again(),
            ServerFrame::Welcome { max_frame_bytes, .. } => self.publications.welcomed(*max_frame_bytes),
            ServerFrame::PubAck { key, .. } => self.publications.answered(key, None),
            ServerFrame::PubNack { key, retry_after_ms, .. } => {
                self.publications.answered(key, Some(*retry_after_ms));
            }
            ServerFrame::Subd { ch, first, head, at, reference, .. } => {
                let ch = channel_number(ch);
                if self.credits[ch].answered(*reference) {
                    self.app.subs[ch].reader.begins();
                }
                let numbers = [index, ch as u64, *first, *head, *at];
                stage.note("client gets subd of channel, first, head, at", &numbers);
            }
            ServerFrame::Live { ch, head, .. } => {
                stage.note("client gets live of channel, head", &[index, channel_number(ch) as u64, *head]);
            }
            _ => {}
        }
    }
}
