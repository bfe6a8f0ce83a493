//! A model of a server of `seamline.v1`: it subscribes before it replays, replays by credit, says
//! `live`, and sends the overlap. On top of that it does everything that a server may do wrong.

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
const FRAME_BYTES_MAX: u64 = 1_000;

/// The server's side of a connection.
#[derive(Default)]
pub struct Peer {
    pub welcomed: bool,
    /// Under which names its positions are looked for, in this order: its page loads', its own first, and
    /// the client's.
    pub names: Vec<String>,
    /// How many subscriptions each channel had.
    subs: HashMap<usize, u64>,
    /// The last message of each channel that was sent: (epoch, offset).
    pub sent: HashMap<usize, (u64, u64)>,
    /// Of each channel, the publications that were refused for now: what follows waits for them.
    held: HashMap<usize, VecDeque<String>>,
    pub feeds: HashMap<usize, Feed>,
}

pub struct Server {
    pub up: bool,
    pub logs: Vec<Log>,
    /// Positions acknowledged, by name and channel: (epoch, offset).
    pub stored: HashMap<(String, usize), (u64, u64)>,
    /// How far each client was made to miss messages, by client and channel: (epoch, offset). What is
    /// asked for again must come; so nothing is skipped before the client is past it.
    pub skipped: HashMap<(usize, usize), (u64, u64)>,
    pub peers: BTreeMap<usize, Peer>,
    /// What clients have sent that is not stored.
    pub casts: HashSet<u64>,
    messages: u64,
    /// Publications that the server or a proxy does not bear, and the code that it closes with.
    poison: HashMap<u64, u16>,
    /// Publications that a log has had.
    stored_once: HashSet<u64>,
    /// Publications that were refused for good.
    refused: HashSet<u64>,
    /// How often each of those came that the server does not bear.
    poisoned: HashMap<u64, u32>,
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
        }
    }

    /// Nothing is wrong with it any more.
    pub fn heal(&mut self) {
        self.logs.iter_mut().for_each(Log::unstick);
        self.poison.clear();
    }

    /// A message that is not like any other.
    pub fn draw_message(&mut self) -> u64 {
        self.messages += 1;
        self.messages
    }

    pub fn accept(&mut self, conn: usize) {
        self.peers.insert(conn, Peer::default());
    }

    /// A frame came, or a close.
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

    /// Serves a connection no more.
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
            _ if !self.peers[&conn].welcomed => stage.fail(|| "a frame came before `hello`".to_owned()),
            ClientFrame::Sub { ch, position, from, credit, reference } => {
                let ch = channel_number(&ch);
                if !self.serves(conn, ch) && self.is_full(Some(conn), stage) {
                    return self.refuse(conn, ch, reference, net, stage);
                }
                let feed = Feed::new(conn, client, ch);
                self.subscribe(Feed { asked: position, from, reference, credit, ..feed }, stage);
            }
            ClientFrame::More { ch, credit } => {
                let ch = channel_number(&ch);
                if let Some(feed) = self.feed(conn, ch) {
                    feed.credit += credit;
                    self.wake(conn, ch, 0, stage);
                }
            }
            ClientFrame::Unsub { ch } => {
                let peer = self.peers.get_mut(&conn).expect("checked above");
                peer.feeds.remove(&channel_number(&ch));
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
        self.peers.entry(conn).or_default().welcomed = true;
        let frame = ServerFrame::Welcome {
            session: String::new(),
            heartbeat_ms: HEARTBEAT_MS,
            max_frame_bytes: FRAME_BYTES_MAX,
        };
        net.carry_to_client(conn, ToClient::Frame(frame), stage);
    }

    /// Whom it talks with.
    pub fn conns(&self) -> Vec<usize> {
        self.peers.keys().copied().collect()
    }
}

/// The names of a client's positions: one for each page load, and the client id.
fn position_names(client_id: &str, lineage: Option<String>) -> Vec<String> {
    let loads = lineage.iter().flat_map(|names| names.split(' '));
    loads.map(|name| format!("{client_id}/{name}")).chain([client_id.to_owned()]).collect()
}
