//! A session whose server sends anything at any time.

use seamline::core::{Batch, Config, Event, Instant, Output, Session, SocketId};
use seamline::wire::{MessageId, Position, ServerFrame, StartAt};

use crate::input::number;
use crate::rng::Rng;
use crate::with_inputs;

const ROOM: &str = "room";
/// The clock is the driver's, not the network's: at most what a page's clock can show.
const CLOCK_MS_MAX: u64 = 1 << 53;

struct Page {
    session: Session<(), u64>,
    now: Instant,
    socket: SocketId,
    /// Delivered so far, by epoch: the offsets must only grow.
    delivered: u64,
}

#[test]
fn a_session_survives_any_calls() {
    with_inputs(|rng| {
        let config = Config {
            client_id: "c".to_owned(),
            replay_credit: number(rng),
            queue_messages_max: number(rng),
            heartbeat_ms: number(rng),
            ack_interval_ms: number(rng),
            stable_ms: number(rng),
            outbox_messages_max: rng.below(4),
            ..Config::default()
        };
        let now = Instant(rng.below(CLOCK_MS_MAX));
        let mut page =
            Page { session: Session::new(config, rng.below(u64::MAX), now), now, socket: 0, delivered: 0 };
        page.session.connect(now);
        for _ in 0..rng.between(1, 40) {
            page.step(rng);
            page.drain();
        }
    });
}

impl Page {
    fn step(&mut self, rng: &mut Rng) {
        self.now = match rng.below(4) {
            0 => Instant(rng.below(CLOCK_MS_MAX)),
            _ => Instant(self.now.0.saturating_add(rng.below(10_000))),
        };
        let (now, socket) = (self.now, self.socket);
        let session = &mut self.session;
        match rng.below(16) {
            0 => session.handle_open(now, socket),
            1 => session.handle_close(now, socket, rng.below(65_536) as u16, String::new()),
            2 => session.handle_timeout(now),
            3 => session.handle_wake(now),
            4 => session.handle_hide(now),
            5 => session.handle_bad_frame(now, socket, String::new()),
            6 => drop(session.subscribe(now, ROOM.to_owned(), from(rng), position(rng))),
            7 => session.unsubscribe(now, rng.below(4) as u32),
            8 => drop(session.publish(now, ROOM.to_owned(), "k".to_owned(), 1, number(rng))),
            9 => drop(session.cast(now, ROOM.to_owned(), 1, number(rng), number(rng))),
            10 => {
                let at = Position { epoch: epoch(rng), offset: number(rng), id: None };
                session.processed(now, rng.below(4) as u32, number(rng), at);
            }
            11..13 => session.handle_messages(now, socket, ROOM, batch(rng)),
            _ => session.handle_frame(now, socket, frame(rng)),
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Connect(socket) => self.socket = socket,
                Output::Event(Event::Deliver { batch, skip, .. }) => {
                    assert!(skip < batch.count, "a delivery of nothing");
                    self.delivered = self.delivered.wrapping_add(batch.count - skip);
                }
                _ => {}
            }
        }
        let _ = self.session.poll_timeout();
        assert_eq!(self.session.stats().delivered, self.delivered);
    }
}

fn batch(rng: &mut Rng) -> Batch<()> {
    // As the driver reads them: at least one message, and offsets that fit.
    let count = rng.between(1, 5);
    let n = number(rng).min(u64::MAX - count);
    let last_id = MessageId { ms: number(rng), seq: number(rng) };
    Batch { n, count, last_id, replay: rng.chance(500), bytes: rng.below(1_000), payload: () }
}

fn frame(rng: &mut Rng) -> ServerFrame<u64> {
    let (ch, key) = (ROOM.to_owned(), "k".to_owned());
    let retry_after_ms = rng.chance(500).then(|| number(rng));
    let (code, message) = ("c".to_owned(), String::new());
    match rng.below(10) {
        0 => ServerFrame::Welcome {
            session: String::new(),
            heartbeat_ms: number(rng),
            max_frame_bytes: number(rng),
        },
        1 | 2 => ServerFrame::Subd {
            ch,
            epoch: epoch(rng),
            first: number(rng),
            head: number(rng),
            at: number(rng),
            at_epoch: rng.chance(300).then(|| epoch(rng)),
            reference: rng.chance(500).then(|| rng.below(4)),
            resumed: false,
        },
        3 => ServerFrame::Live { ch, head: number(rng), reference: rng.chance(500).then(|| rng.below(4)) },
        4 => ServerFrame::PubAck { ch, key, id: MessageId { ms: 1, seq: 1 }, offset: number(rng) },
        5 => ServerFrame::PubNack { ch, key, code, message, retry_after_ms },
        6 => ServerFrame::Drain { reconnect_in_ms: number(rng) },
        7 => ServerFrame::Err {
            code,
            message,
            ch: rng.chance(500).then_some(ch),
            reference: rng.chance(500).then(|| rng.below(4)),
            retry_after_ms,
        },
        8 => ServerFrame::Incoming { bytes: number(rng) },
        _ => ServerFrame::Pong,
    }
}

fn from(rng: &mut Rng) -> Option<StartAt> {
    [None, Some(StartAt::Start), Some(StartAt::Tail)][rng.below(3) as usize]
}

fn position(rng: &mut Rng) -> Option<Position> {
    rng.chance(500).then(|| Position { epoch: epoch(rng), offset: number(rng), id: None })
}

fn epoch(rng: &mut Rng) -> String {
    ["e", "f"][rng.below(2) as usize].to_owned()
}
