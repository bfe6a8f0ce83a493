//! Work of the core in a loop, for `cargo xtask bench instructions`: it counts instructions at two numbers of repetitions,
//! and the difference is what one costs.

use std::hint::black_box;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use seamline::core::seam::classify;
use seamline::core::{Batch, ChannelId, Config, Event, Instant, Output, Session, SocketId};
use seamline::wire::{ClientFrame, MessageId, Position, ServerFrame, StartAt};

const CHANNEL: &str = "bench";
const EPOCH: &str = "epoch";
/// How many messages a frame has in a replay.
const MESSAGES_PER_FRAME: u64 = 364;
const FRAME_BYTES: u64 = 96 * 1024;

/// Repeat one piece of the core's work
#[derive(Debug, Parser)]
#[command(name = "seamline-instructions")]
struct Args {
    /// What to repeat
    #[arg(value_enum)]
    what: What,
    /// How often
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    times: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Classify a frame against a position
    Classify,
    /// Handle a frame of one live message
    LiveFrame,
    /// Handle a frame of 364 live messages
    FatFrame,
}

fn main() -> Result<()> {
    let Args { what, times } = Args::parse();
    match what {
        What::Classify => {
            for position in 0..times {
                black_box(classify(black_box(position), black_box(position / 2 + 1), black_box(364)));
            }
        }
        What::LiveFrame => Client::new()?.frames(times, 1)?,
        What::FatFrame => Client::new()?.frames(times, MESSAGES_PER_FRAME)?,
    }
    Ok(())
}

/// A client that is live, with an application that processes every message at once.
struct Client {
    session: Session<u64, ()>,
    socket: SocketId,
    channel: ChannelId,
}

impl Client {
    fn new() -> Result<Client> {
        let now = Instant(0);
        let mut session = Session::new(Config::default(), 7, now);
        let channel = session.subscribe(now, CHANNEL.into(), Some(StartAt::Start), None)?;
        session.connect(now);
        let mut socket = None;
        let mut answered = false;
        while let Some(output) = session.poll_output() {
            match output {
                Output::Connect(opened) => {
                    socket = Some(opened);
                    session.handle_open(now, opened);
                }
                Output::Send { socket, frame: ClientFrame::Hello { .. } } => {
                    let welcome = ServerFrame::Welcome {
                        session: "s".into(),
                        heartbeat_ms: 25_000,
                        max_frame_bytes: 65_536,
                    };
                    session.handle_frame(now, socket, welcome);
                }
                Output::Send { socket, frame: ClientFrame::Sub { reference, .. } } if !answered => {
                    answered = true;
                    session.handle_frame(now, socket, subscribed(reference));
                    let live = ServerFrame::Live { ch: CHANNEL.into(), head: 0, reference };
                    session.handle_frame(now, socket, live);
                }
                _ => {}
            }
        }
        Ok(Client { session, socket: socket.context("the session does not connect")?, channel })
    }

    fn frames(&mut self, times: u64, count: u64) -> Result<()> {
        let mut delivered = 0;
        for frame in 0..times {
            let now = Instant(frame);
            let n = frame * count + 1;
            let last_id = MessageId { ms: n + count, seq: 0 };
            let batch = Batch { n, count, last_id, replay: false, bytes: FRAME_BYTES, payload: n };
            self.session.handle_messages(now, self.socket, CHANNEL, batch);
            while let Some(output) = self.session.poll_output() {
                if let Output::Event(Event::Deliver { batch, .. }) = black_box(output) {
                    delivered += batch.count;
                    let offset = batch.n + batch.count - 1;
                    let position = Position { epoch: EPOCH.into(), offset, id: Some(batch.last_id) };
                    self.session.processed(now, self.channel, batch.count, position);
                }
            }
        }
        anyhow::ensure!(delivered == times * count, "delivered {delivered} of {}", times * count);
        Ok(())
    }
}

fn subscribed(reference: Option<u64>) -> ServerFrame<()> {
    ServerFrame::Subd {
        ch: CHANNEL.into(),
        epoch: EPOCH.into(),
        first: 1,
        head: 0,
        at: 0,
        at_epoch: None,
        reference,
        resumed: false,
    }
}
