//! Subscriptions and their feeds.

use seamline::wire::{ServerFrame, code};

use super::Server;
use crate::feed::Feed;
use crate::log::channel_name;
use crate::network::{Network, ToClient};
use crate::stage::{Ev, Stage};

impl Server {
    /// Whether a channel has a subscription.
    pub fn serves(&self, conn: usize, ch: usize) -> bool {
        self.peers.get(&conn).is_some_and(|peer| peer.feeds.contains_key(&ch))
    }

    /// Whether a connection has reached its limit of channels.
    pub fn is_full(&self, conn: Option<usize>, stage: &Stage) -> bool {
        let max = stage.faults.channels_max;
        let peer = conn.and_then(|conn| self.peers.get(&conn));
        max > 0 && peer.is_some_and(|peer| peer.feeds.len() as u64 >= max)
    }

    /// Rejects a channel over the limit.
    pub fn refuse(
        &mut self,
        conn: usize,
        ch: usize,
        reference: Option<u64>,
        net: &mut Network,
        stage: &mut Stage,
    ) {
        stage.note("server refuses connection, channel", &[conn as u64, ch as u64]);
        let (code, message, ch) = (code::TOO_MANY_CHANNELS.to_owned(), String::new(), Some(channel_name(ch)));
        let frame = ServerFrame::Err { code, message, ch, reference, retry_after_ms: None };
        net.carry_to_client(conn, ToClient::Frame(frame), stage);
    }

    /// Registers with the live stream; the replay begins a little later.
    pub fn subscribe(&mut self, mut feed: Feed, stage: &mut Stage) {
        let (conn, ch) = (feed.conn, feed.ch);
        let peer = self.peers.entry(conn).or_default();
        let no = peer.subs.entry(ch).or_default();
        *no += 1;
        feed.no = *no;
        peer.feeds.insert(ch, feed);
        let delay_ms = stage.rng.below(stage.faults.page_delay_ms_max);
        self.wake(conn, ch, delay_ms, stage);
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
}
