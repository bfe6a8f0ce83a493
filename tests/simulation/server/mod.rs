//! A model of a server of `seamline.v1`: it subscribes before it replays, replays by credit, sends `live`, and
//! sends the overlap. It also has every fault that a server may have.

mod poison;
mod positions;
mod publications;
mod subscriptions;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use seamline::wire::{ClientFrame, ServerFrame, close, code};

use crate::feed::Feed;
use crate::log::{Log, channel_number, epoch_number};
use crate::network::{Network, ToClient, ToServer};
use crate::stage::Stage;

const HEARTBEAT_MS: u64 = 25_000;
const FRAME_BYTES_MAX: u64 = 20_000;
/// Smaller than a large publication.
const SMALL_FRAME_BYTES_MAX: u64 = 1_000;
const LARGE_PAYLOAD_BYTES: u64 = 10_000;

/// The server's side of a connection.
#[derive(Default)]
pub struct Peer {
    pub welcomed: bool,
    frame_bytes_max: u64,
    /// The names under which its positions are looked up, in this order: those of its page loads, its own first,
    /// then the client's.
    pub names: Vec<String>,
    /// How many subscriptions each channel has had.
    subs: HashMap<usize, u64>,
    /// The last message that was sent, per channel: (epoch, offset).
    pub sent: HashMap<usize, (u64, u64)>,
    /// The publications that were rejected with a pause, per channel: later ones wait for them.
    held: HashMap<usize, VecDeque<String>>,
    pub feeds: HashMap<usize, Feed>,
}

pub struct Server {
    pub up: bool,
    pub logs: Vec<Log>,
    /// Positions acknowledged, by name and channel: (epoch, offset).
    pub stored: HashMap<(String, usize), (u64, u64)>,
    /// The last message that was skipped, by client and channel: (epoch, offset). Messages that are requested
    /// again must be sent, so nothing else is skipped until the client is past it.
    pub skipped: HashMap<(usize, usize), (u64, u64)>,
    pub peers: BTreeMap<usize, Peer>,
    /// Casts that clients have sent.
    pub casts: HashSet<u64>,
    messages: u64,
    /// Publications for which the server or a proxy closes the connection, and the close code.
    poison: HashMap<u64, u16>,
    /// Publications that a log has stored.
    stored_once: HashSet<u64>,
    /// Publications that were rejected for good.
    refused: HashSet<u64>,
    /// How often each publication that closes connections has arrived.
    poisoned: HashMap<u64, u32>,
    /// The publications with a large payload.
    large: HashSet<u64>,
}

impl Server {
    pub fn new(stage: &Stage) -> Self {
        Server {
            up: true,
            logs: (0..stage.faults.channels).map(|_| Log::new()).collect(),
            stored: HashMap::new(),
            skipped: HashMap::new(),
            peers: BTreeMap::new(),
            casts: HashSet::new(),
            messages: 0,
            poison: HashMap::new(),
            stored_once: HashSet::new(),
            refused: HashSet::new(),
            poisoned: HashMap::new(),
            large: HashSet::new(),
        }
    }

    /// All its faults end.
    pub fn heal(&mut self) {
        self.logs.iter_mut().for_each(Log::unstick);
        self.poison.clear();
    }

    /// A message that is unlike any other.
    pub fn draw_message(&mut self) -> u64 {
        self.messages += 1;
        self.messages
    }

    /// Gives a publication a large payload. Returns its size.
    pub fn enlarge(&mut self, message: u64) -> u64 {
        self.large.insert(message);
        LARGE_PAYLOAD_BYTES
    }

    pub fn is_large(&self, message: u64) -> bool {
        self.large.contains(&message)
    }

    pub fn accept(&mut self, conn: usize) {
        self.peers.insert(conn, Peer::default());
    }

    /// A frame arrived, or a close.
    pub fn receive(&mut self, conn: usize, item: ToServer, net: &mut Network, stage: &mut Stage) {
        if !net.conns[conn].served {
            return;
        }
        match item {
            ToServer::Close => self.close(conn, close::NORMAL, net, stage),
            ToServer::Frame(frame) => self.frame(conn, frame, net, stage),
        }
    }

    /// Closes a connection.
    pub fn close(&mut self, conn: usize, code: u16, net: &mut Network, stage: &mut Stage) {
        self.forget(conn, net);
        net.carry_to_client(conn, ToClient::Close(code), stage);
    }

    /// Stops serving a connection.
    pub fn forget(&mut self, conn: usize, net: &mut Network) {
        self.peers.remove(&conn);
        net.conns[conn].served = false;
    }

    fn frame(&mut self, conn: usize, frame: ClientFrame<u64>, net: &mut Network, stage: &mut Stage) {
        let client = net.conns[conn].client;
        match frame {
            ClientFrame::Hello { token, client_id, lineage, .. } => {
                self.peers.entry(conn).or_default().names = position_names(&client_id, lineage);
                self.hello(conn, token, net, stage);
            }
            _ if self.peers[&conn].names.is_empty() => {
                stage.fail(|| "a frame arrived before `hello`".to_owned())
            }
            // Sent behind a `hello` that gets no welcome.
            _ if !self.peers[&conn].welcomed => {}
            ClientFrame::Sub { ch, position, from, credit, ahead, reference } => {
                let ch = channel_number(&ch);
                if !self.serves(conn, ch) && self.is_full(Some(conn), stage) {
                    return self.refuse(conn, ch, reference, net, stage);
                }
                let limit = ahead.filter(|_| stage.rng.chance(stage.faults.goes_ahead));
                // How many messages fit the bytes, only the server knows.
                let ahead = limit.map_or(0, |limit| stage.rng.between(0, limit.messages));
                let feed = Feed::new(conn, client, ch);
                self.subscribe(
                    Feed { asked: position, from, reference, granted: credit, ahead, ..feed },
                    stage,
                );
            }
            ClientFrame::More { ch, credit } => {
                let ch = channel_number(&ch);
                if let Some(feed) = self.feed(conn, ch) {
                    feed.granted += credit;
                    self.wake(conn, ch, 0, stage);
                }
            }
            ClientFrame::Unsub { ch } => {
                let peer = self.peers.get_mut(&conn).expect("checked above");
                peer.feeds.remove(&channel_number(&ch));
            }
            ClientFrame::Pub { data, .. }
                if self.is_large(data) && self.peers[&conn].frame_bytes_max < LARGE_PAYLOAD_BYTES =>
            {
                stage.note("server got too large a frame on connection, message", &[conn as u64, data]);
                self.close(conn, close::TOO_BIG, net, stage);
            }
            ClientFrame::Pub { ch, key, data } => {
                self.publish(conn, channel_number(&ch), key, data, net, stage)
            }
            ClientFrame::Ack { ch, epoch, offset, .. } => {
                let ch = channel_number(&ch);
                let log = &self.logs[ch];
                if epoch_number(&epoch) == log.epoch() && offset <= log.now().head() {
                    let at = (log.epoch(), offset);
                    self.store(conn, ch, at);
                }
            }
            ClientFrame::Ping => net.carry_to_client(conn, ToClient::Frame(ServerFrame::Pong), stage),
            ClientFrame::Cast { ch, data } => self.cast(conn, channel_number(&ch), data, net, stage),
            ClientFrame::Token { .. } => {}
        }
    }

    fn hello(&mut self, conn: usize, token: Option<String>, net: &mut Network, stage: &mut Stage) {
        if token.as_deref() == Some("refused") {
            return self.close(conn, close::UNAUTHORIZED, net, stage);
        }
        if stage.rng.chance(stage.faults.no_welcome) {
            return;
        }
        if stage.rng.chance(stage.faults.too_fast) {
            let retry_after_ms = Some(stage.rng.between(100, 8_000));
            let (code, message) = (code::TOO_FAST.to_owned(), String::new());
            let frame = ServerFrame::Err { code, message, ch: None, reference: None, retry_after_ms };
            net.carry_to_client(conn, ToClient::Frame(frame), stage);
            return self.close(conn, close::TOO_FAST, net, stage);
        }
        let small = stage.faults.small_frames;
        let is_small = small > 0 && stage.rng.chance(small);
        let max_frame_bytes = if is_small { SMALL_FRAME_BYTES_MAX } else { FRAME_BYTES_MAX };
        let peer = self.peers.entry(conn).or_default();
        (peer.welcomed, peer.frame_bytes_max) = (true, max_frame_bytes);
        let frame =
            ServerFrame::Welcome { session: String::new(), heartbeat_ms: HEARTBEAT_MS, max_frame_bytes };
        net.carry_to_client(conn, ToClient::Frame(frame), stage);
    }

    /// The connections that it serves.
    pub fn conns(&self) -> Vec<usize> {
        self.peers.keys().copied().collect()
    }
}

/// The names of a client's positions: one for each page load, and the client id.
fn position_names(client_id: &str, lineage: Option<String>) -> Vec<String> {
    let loads = lineage.iter().flat_map(|names| names.split(' '));
    loads.map(|name| format!("{client_id}/{name}")).chain([client_id.to_owned()]).collect()
}
