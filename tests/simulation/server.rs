//! A model of a server of `seamline.v1`: it subscribes before it replays, replays by credit, says
//! `live`, and sends the overlap. On top of that it does everything that a server may do wrong.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use seamline::wire::{ClientFrame, ServerFrame, close};

use crate::feed::{Feed, Step};
use crate::log::{Log, channel_name, channel_number, epoch_number, message_id};
use crate::network::{Network, ToClient, ToServer};
use crate::stage::{Ev, Stage};

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

/// What a peer closes with that does not like a publication; a proxy just cuts the connection.
const POISON_CODES: [u16; 6] = [1002, 1006, 1007, 1008, close::TOO_BIG, 4413];
/// A publication that is refused by close code fails when the client has heard of that three times; some of
/// the closes are lost on the way.
const POISON_MAX: u32 = 30;

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

    /// Whether a channel has a subscription.
    pub fn serves(&self, conn: usize, ch: usize) -> bool {
        self.peers.get(&conn).is_some_and(|peer| peer.feeds.contains_key(&ch))
    }

    /// Whether a connection has as many channels as it may.
    pub fn is_full(&self, conn: Option<usize>, stage: &Stage) -> bool {
        let max = stage.faults.channels_max;
        let peer = conn.and_then(|conn| self.peers.get(&conn));
        max > 0 && peer.is_some_and(|peer| peer.feeds.len() as u64 >= max)
    }

    /// Whether a publication that failed was one that the server does not bear.
    pub fn bears(&self, message: u64) -> bool {
        !self.poisoned.contains_key(&message)
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
                let names = lineage
                    .iter()
                    .flat_map(|names| names.split(' '))
                    .map(|name| format!("{client_id}/{name}"));
                let names = names.chain([client_id.clone()]).collect();
                self.peers.entry(conn).or_default().names = names;
                self.hello(conn, token, net, stage);
            }
            _ if !self.peers[&conn].welcomed => stage.fail(|| "a frame came before `hello`".to_owned()),
            ClientFrame::Sub { ch, position, from, credit, reference } => {
                let ch = channel_number(&ch);
                if !self.serves(conn, ch) && self.is_full(Some(conn), stage) {
                    return self.refuse(conn, ch, reference, net, stage);
                }
                let feed = Feed {
                    conn,
                    client,
                    ch,
                    no: 0,
                    step: Step::Announce,
                    asked: position,
                    from,
                    reference,
                    credit,
                    head: 0,
                    sent: 0,
                    queue: VecDeque::new(),
                    awake: false,
                };
                self.subscribe(feed, stage);
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

    /// It was one channel too many.
    fn refuse(
        &mut self,
        conn: usize,
        ch: usize,
        reference: Option<u64>,
        net: &mut Network,
        stage: &mut Stage,
    ) {
        stage.note("server refuses connection, channel", &[conn as u64, ch as u64]);
        let (code, message, ch) = ("too_many_channels".to_owned(), String::new(), Some(channel_name(ch)));
        let frame = ServerFrame::Err { code, message, ch, reference, retry_after_ms: None };
        net.carry_to_client(conn, ToClient::Frame(frame), stage);
    }

    /// Closes, if it does not bear a publication.
    fn chokes(&mut self, conn: usize, message: u64, net: &mut Network, stage: &mut Stage) -> bool {
        if !self.poisoned.contains_key(&message) && stage.rng.chance(stage.faults.poison) {
            let code = POISON_CODES[stage.rng.below(POISON_CODES.len() as u64) as usize];
            self.poison.insert(message, code);
        }
        let Some(&code) = self.poison.get(&message) else { return false };
        stage.note("server cannot bear connection, message, code", &[conn as u64, message, code.into()]);
        let times = self.poisoned.entry(message).or_default();
        *times += 1;
        let often = *times;
        if code == 1006 {
            net.cut(conn, stage);
            self.forget(conn, net);
            return true;
        }
        stage.check(often <= POISON_MAX, || format!("message {message} came {often} times"));
        self.close(conn, code, net, stage);
        true
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
            let (code, message) = ("too_fast".to_owned(), String::new());
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

    /// Stores a position as that of a page load, and as that of all with the client id, if it is the furthest.
    fn store(&mut self, conn: usize, ch: usize, at: (u64, u64)) {
        let names = &self.peers[&conn].names;
        for name in names.first().into_iter().chain(names.last()) {
            let stored = self.stored.entry((name.clone(), ch)).or_insert(at);
            *stored = at.max(*stored);
        }
    }

    /// Where a client goes on that does not say where: the position that is stored for it. What is found, or
    /// else where it begins, is stored as its own.
    pub fn resume(&mut self, conn: usize, ch: usize, otherwise: (u64, u64)) -> Option<(u64, u64)> {
        let names = &self.peers[&conn].names;
        let found = names.iter().find_map(|name| self.stored.get(&(name.clone(), ch)).copied());
        if let [own, _, ..] = names.as_slice() {
            self.stored.insert((own.clone(), ch), found.unwrap_or(otherwise));
        }
        found
    }

    /// The same for a client that says where it begins.
    pub fn begin(&mut self, conn: usize, ch: usize, at: (u64, u64)) {
        if let [own, _, ..] = self.peers[&conn].names.as_slice() {
            let stored = self.stored.entry((own.clone(), ch)).or_insert(at);
            *stored = at.max(*stored);
        }
    }

    /// Registers with the live stream; the replay begins a little later.
    fn subscribe(&mut self, mut feed: Feed, stage: &mut Stage) {
        let (conn, ch) = (feed.conn, feed.ch);
        let peer = self.peers.entry(conn).or_default();
        let no = peer.subs.entry(ch).or_default();
        *no += 1;
        feed.no = *no;
        peer.feeds.insert(ch, feed);
        let delay_ms = stage.rng.below(stage.faults.page_delay_ms_max);
        self.wake(conn, ch, delay_ms, stage);
    }

    /// Whom it talks with.
    pub fn conns(&self) -> Vec<usize> {
        self.peers.keys().copied().collect()
    }

    pub fn feed(&mut self, conn: usize, ch: usize) -> Option<&mut Feed> {
        self.peers.get_mut(&conn)?.feeds.get_mut(&ch)
    }

    pub fn wake(&mut self, conn: usize, ch: usize, delay_ms: u64, stage: &mut Stage) {
        if let Some(feed) = self.feed(conn, ch).filter(|feed| !feed.awake) {
            feed.awake = true;
            let no = feed.no;
            stage.after(delay_ms, Ev::Feed { conn, ch, no });
        }
    }

    /// Stores what a client publishes; or refuses it, or stores it and crashes.
    fn publish(
        &mut self,
        conn: usize,
        ch: usize,
        key: String,
        message: u64,
        net: &mut Network,
        stage: &mut Stage,
    ) {
        if self.chokes(conn, message, net, stage) {
            return;
        }
        let name = channel_name(ch);
        let held = self.peers.entry(conn).or_default().held.entry(ch).or_default();
        let out_of_order = held.front().is_some_and(|first| *first != key);
        let for_now = out_of_order || stage.rng.chance(stage.faults.nack_for_now) || self.frozen(ch, stage);
        let held = self.peers.entry(conn).or_default().held.entry(ch).or_default();
        if !for_now {
            held.pop_front();
        } else if !held.contains(&key) {
            held.push_back(key.clone());
        }
        let for_good =
            !for_now && (self.refused.contains(&message) || stage.rng.chance(stage.faults.nack_for_good));
        if for_good {
            self.refused.insert(message); // the answer may be lost, and then it must be the same
        }
        if for_now || for_good {
            let numbers = [conn as u64, ch as u64, message, for_now.into()];
            stage.note("server refuses publication, connection, channel, message, for now", &numbers);
            let retry_after_ms = for_now.then(|| stage.rng.below(2_000));
            let (code, message) = ("no".to_owned(), String::new());
            let frame = ServerFrame::PubNack { ch: name, key, code, message, retry_after_ms };
            return net.carry_to_client(conn, ToClient::Frame(frame), stage);
        }
        let (page, number) = key.rsplit_once('-').map_or(("", 0), |(page, n)| (page, n.parse().unwrap_or(0)));
        let newest = self.logs[ch].newest_of(&format!("{page}-"));
        let (offset, new) = self.logs[ch].append(Some(&key), message);
        // One that an earlier log had comes again if its answer was lost, also after later ones.
        let first_time = self.stored_once.insert(message);
        let in_order = !new || !first_time || number > newest;
        stage.check(in_order, || format!("{key} is stored after number {newest}"));
        stage.note(
            "log has published channel, offset, message, new",
            &[ch as u64, offset, message, u64::from(new)],
        );
        if new {
            self.fan_out(ch, offset, message, stage);
        }
        if stage.rng.chance(stage.faults.append_then_crash) {
            return self.crash(net, stage);
        }
        let id = message_id(self.logs[ch].epoch(), offset, message);
        net.carry_to_client(conn, ToClient::Frame(ServerFrame::PubAck { ch: name, key, id, offset }), stage);
    }

    /// Passes an event on to all the others who are subscribed.
    fn cast(&mut self, from: usize, ch: usize, data: u64, net: &mut Network, stage: &mut Stage) {
        self.casts.insert(data);
        for conn in self.conns() {
            if conn != from && self.feed(conn, ch).is_some() {
                let frame = ServerFrame::Cast { ch: channel_name(ch), data };
                net.carry_to_client(conn, ToClient::Frame(frame), stage);
            }
        }
    }

    /// Somebody else's message.
    pub fn append(&mut self, ch: usize, stage: &mut Stage) {
        if self.up && !self.frozen(ch, stage) {
            let message = self.draw_message();
            let (offset, _) = self.logs[ch].append(None, message);
            stage.note("log has channel, offset", &[ch as u64, offset]);
            self.fan_out(ch, offset, message, stage);
        }
    }

    /// A log that came back older must not grow past a client that has not learned of it: by offsets
    /// alone, nobody could tell any more.
    fn frozen(&self, ch: usize, stage: &Stage) -> bool {
        let (epoch, head) = (self.logs[ch].epoch(), self.logs[ch].now().head());
        let ahead = |position: &Option<(u64, u64)>| position.is_some_and(|at| at.0 == epoch && at.1 > head);
        stage.positions.iter().chain(&stage.places).any(|of_client| ahead(&of_client[ch]))
    }

    fn fan_out(&mut self, ch: usize, offset: u64, message: u64, stage: &mut Stage) {
        for conn in self.conns() {
            let Some(feed) = self.feed(conn, ch) else { continue };
            feed.queue.push_back((offset, message));
            if matches!(feed.step, Step::Live) {
                let delay_ms = stage.rng.below(stage.faults.fan_out_delay_ms_max);
                self.wake(conn, ch, delay_ms, stage);
            }
        }
    }
}
