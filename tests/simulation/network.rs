//! Connections: two pipes each, in order, with every way to break.

use std::collections::VecDeque;

use seamline::core::{Batch, SocketId};
use seamline::wire::{ClientFrame, ServerFrame};

use crate::stage::{Ev, Stage};

/// How long the server keeps a broken connection whose end it has not noticed.
const ZOMBIE_MS_MAX: u64 = 60_000;

/// The server announces frames from this size on.
const ANNOUNCED_BYTES_MIN: u64 = 4_096;

/// What travels to the server.
pub enum ToServer {
    Frame(ClientFrame<u64>),
    Close,
}

/// What travels to a client.
pub enum ToClient {
    Msgs {
        ch: usize,
        batch: Batch<Vec<u64>>,
    },
    Frame(ServerFrame<u64>),
    /// Not a frame of the protocol, or one of a later version.
    BadFrame,
    UnknownFrame,
    Close(u16),
}

struct Pipe<T> {
    items: VecDeque<T>,
    /// Nothing arrives before this: the order is kept, and a stall delays everything.
    free_at: u64,
}

impl<T> Pipe<T> {
    fn new() -> Self {
        Pipe { items: VecDeque::new(), free_at: 0 }
    }

    /// How long this many bytes take on the link.
    fn carry(&mut self, bytes: u64, stage: &Stage) {
        if let Some(ms) = (bytes * 1_000).checked_div(stage.faults.bandwidth) {
            self.free_at = self.free_at.max(stage.now) + ms;
        }
    }
}

pub struct Conn {
    pub client: usize,
    /// Which of the client's pages, one after the other, has opened it.
    pub page: u64,
    pub socket: SocketId,
    /// Whether it was established.
    pub opened: bool,
    /// The page still listens.
    pub client_listens: bool,
    /// The server still serves it.
    pub served: bool,
    black_hole: bool,
    last_arrival: u64,
    /// It was never stalled or broken: its bytes flow.
    pub sound: bool,
    to_server: Pipe<ToServer>,
    to_client: Pipe<ToClient>,
}

#[derive(Default)]
pub struct Network {
    pub conns: Vec<Conn>,
}

impl Network {
    /// A page opens a socket.
    pub fn connect(&mut self, client: usize, page: u64, socket: SocketId, stage: &mut Stage) -> usize {
        let conn = self.conns.len();
        self.conns.push(Conn {
            client,
            page,
            socket,
            opened: false,
            client_listens: true,
            served: false,
            black_hole: false,
            last_arrival: stage.now,
            sound: true,
            to_server: Pipe::new(),
            to_client: Pipe::new(),
        });
        let (refused, hangs) = (stage.faults.connect_refused, stage.faults.connect_hangs);
        if stage.rng.chance(refused) {
            self.carry_to_client(conn, ToClient::Close(1006), stage);
        } else if !stage.rng.chance(hangs) {
            let slow = stage.rng.chance(stage.faults.connect_slow);
            let wait_ms = if slow { stage.rng.below(15_000) } else { latency(stage) };
            stage.after(wait_ms, Ev::Opened { conn });
        }
        conn
    }

    /// It is established.
    pub fn opened(&mut self, conn: usize, stage: &mut Stage) {
        let c = &mut self.conns[conn];
        c.opened = true;
        c.served = true;
        c.last_arrival = stage.now;
        if stage.faults.idle_close_ms > 0 {
            stage.after(stage.faults.idle_close_ms, Ev::IdleCheck { conn });
        }
    }

    pub fn carry_to_server(&mut self, conn: usize, item: ToServer, stage: &mut Stage) {
        let delay = latency(stage);
        let bytes = match &item {
            ToServer::Frame(ClientFrame::Pub { .. } | ClientFrame::Cast { .. }) => stage.faults.message_bytes,
            _ => 0,
        };
        let c = &mut self.conns[conn];
        if !c.black_hole {
            c.to_server.carry(bytes, stage);
            push(&mut c.to_server, item, Ev::Arrive { conn, to_server: true }, delay, stage);
        }
    }

    pub fn carry_to_client(&mut self, conn: usize, item: ToClient, stage: &mut Stage) {
        let bytes = match &item {
            ToClient::Msgs { batch, .. } => batch.bytes,
            _ => 0,
        };
        if stage.faults.bandwidth > 0 && bytes >= ANNOUNCED_BYTES_MIN {
            self.carry_to_client(conn, ToClient::Frame(ServerFrame::Incoming { bytes }), stage);
        }
        let delay = latency(stage);
        let c = &mut self.conns[conn];
        if !c.black_hole {
            c.to_client.carry(bytes, stage);
            push(&mut c.to_client, item, Ev::Arrive { conn, to_server: false }, delay, stage);
        }
    }

    pub fn arrived_at_server(&mut self, conn: usize, now: u64) -> Option<ToServer> {
        self.conns[conn].last_arrival = now;
        self.conns[conn].to_server.items.pop_front()
    }

    pub fn arrived_at_client(&mut self, conn: usize, now: u64) -> Option<ToClient> {
        self.conns[conn].last_arrival = now;
        self.conns[conn].to_client.items.pop_front()
    }

    /// The connection breaks. Frames in transit are lost, in part or all of them. The page notices it, the
    /// server perhaps much later.
    pub fn cut(&mut self, conn: usize, stage: &mut Stage) {
        self.lose(conn, stage);
        self.carry_to_client(conn, ToClient::Close(1006), stage);
        self.conns[conn].black_hole = true;
        let wait_ms = if stage.rng.chance(500) { 1 } else { stage.rng.below(ZOMBIE_MS_MAX) };
        stage.after(wait_ms, Ev::GiveUp { conn });
    }

    /// Silence in both directions, without a close.
    pub fn half_open(&mut self, conn: usize, stage: &mut Stage) {
        self.lose(conn, stage);
        self.conns[conn].black_hole = true;
        let wait_ms = stage.rng.below(ZOMBIE_MS_MAX);
        stage.after(wait_ms, Ev::GiveUp { conn });
    }

    /// Nothing arrives for a while, in one direction.
    pub fn stall(&mut self, conn: usize, stage: &mut Stage) {
        let until = stage.now + stage.rng.between(100, 20_000);
        let to_server = stage.rng.chance(500);
        let c = &mut self.conns[conn];
        c.sound = false;
        let free_at = if to_server { &mut c.to_server.free_at } else { &mut c.to_client.free_at };
        *free_at = (*free_at).max(until);
    }

    /// Whether a proxy closes it now; otherwise it checks again later.
    pub fn idle(&mut self, conn: usize, stage: &mut Stage) -> bool {
        let (idle_ms, c) = (stage.faults.idle_close_ms, &self.conns[conn]);
        if idle_ms == 0 || !c.client_listens || !c.served {
            return false;
        }
        let due = c.last_arrival + idle_ms;
        if due > stage.now {
            stage.at(due, Ev::IdleCheck { conn });
        }
        due <= stage.now
    }

    /// Loses frames in transit. Of those to the client, the first ones may still arrive.
    fn lose(&mut self, conn: usize, stage: &mut Stage) {
        let c = &mut self.conns[conn];
        c.sound = false;
        c.to_server.items.clear();
        let kept = stage.rng.below(c.to_client.items.len() as u64 + 1);
        c.to_client.items.truncate(kept as usize);
    }

    /// Loses all frames in transit to a client. Of a close, only the close itself remains.
    pub fn lose_frames(&mut self) {
        for c in &mut self.conns {
            let items = &mut c.to_client.items;
            items.retain(|item| matches!(item, ToClient::Close(_)));
            items.iter_mut().for_each(|item| *item = ToClient::Close(1006));
        }
    }

    /// The connections that exist.
    pub fn served(&self) -> Vec<usize> {
        (0..self.conns.len()).filter(|&conn| self.conns[conn].served).collect()
    }
}

fn latency(stage: &mut Stage) -> u64 {
    let max = stage.faults.latency_ms_max;
    stage.rng.between(1, max)
}

fn push<T>(pipe: &mut Pipe<T>, item: T, ev: Ev, delay_ms: u64, stage: &mut Stage) {
    pipe.free_at = pipe.free_at.max(stage.now + delay_ms);
    pipe.items.push_back(item);
    stage.at(pipe.free_at, ev);
}
