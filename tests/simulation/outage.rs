//! The faults of the server: it crashes, restarts, drains; its log is replaced, rewound or trimmed, or loses
//! messages.

use seamline::wire::{Position, ServerFrame, close};

use crate::feed::Step;
use crate::log::{channel_name, epoch_name};
use crate::network::{Network, ToClient};
use crate::server::Server;
use crate::stage::{Ev, Stage};

impl Server {
    /// The server stops, and returns later, perhaps with another log.
    pub fn crash(&mut self, net: &mut Network, stage: &mut Stage) {
        stage.note("server crashes", &[]);
        self.up = false;
        self.peers.clear();
        for conn in net.served() {
            net.conns[conn].served = false;
            if stage.rng.chance(800) { net.cut(conn, stage) } else { net.half_open(conn, stage) }
        }
        let down_ms = stage.rng.between(10, 10_000);
        stage.after(down_ms, Ev::ServerUp);
    }

    pub fn restart(&mut self, net: &mut Network, stage: &mut Stage) {
        if self.up {
            return;
        }
        self.up = true;
        stage.note("server is up", &[]);
        for ch in 0..self.logs.len() {
            if stage.rng.chance(stage.faults.crash_new_epoch) {
                stage.note("log is replaced, channel", &[ch as u64]);
                self.logs[ch].replace();
            } else if stage.rng.chance(stage.faults.crash_rewinds) {
                let head = self.logs[ch].now().head();
                let head = head - stage.rng.below(head + 1).min(30);
                stage.note("log is rewound, channel, head", &[ch as u64, head]);
                self.logs[ch].rewind(head);
                // A client that receives lost messages only now could not distinguish them from the next ones.
                net.lose_frames();
                self.stored.retain(|key, at| key.1 != ch || at.1 <= head);
            }
        }
    }

    /// Asks the clients to reconnect later, and closes.
    pub fn drain(&mut self, net: &mut Network, stage: &mut Stage) {
        stage.note("server drains", &[]);
        for conn in net.served() {
            let reconnect_in_ms = stage.rng.below(5_000);
            net.carry_to_client(conn, ToClient::Frame(ServerFrame::Drain { reconnect_in_ms }), stage);
        }
        let wait_ms = stage.rng.below(2_000);
        stage.after(wait_ms, Ev::ServerDown);
    }

    pub fn go_down(&mut self, net: &mut Network, stage: &mut Stage) {
        if !self.up {
            return;
        }
        self.up = false;
        for conn in net.served() {
            self.close(conn, close::SERVICE_RESTART, net, stage);
        }
        let down_ms = stage.rng.between(10, 5_000);
        stage.after(down_ms, Ev::ServerUp);
    }

    /// The log is replaced while clients are subscribed: the server sends them a new `subd`.
    pub fn replace_log(&mut self, ch: usize, stage: &mut Stage) {
        stage.note("log is replaced under its subscribers, channel", &[ch as u64]);
        let epoch = epoch_name(self.logs[ch].epoch());
        self.logs[ch].replace();
        for conn in self.conns() {
            let Some(feed) = self.feed(conn, ch) else { continue };
            feed.queue.clear();
            if !matches!(feed.step, Step::Announce) {
                feed.step = Step::Announce;
                feed.asked = Some(Position { epoch: epoch.clone(), offset: 0, id: None });
            }
            self.wake(conn, ch, 0, stage);
        }
    }

    /// The log fails for one subscription, which ends.
    pub fn fail_feed(&mut self, conn: usize, ch: usize, net: &mut Network, stage: &mut Stage) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if peer.feeds.remove(&ch).is_some() {
            stage.note("log fails for connection, channel", &[conn as u64, ch as u64]);
            let (code, message, retry_after_ms) = ("log_error".to_owned(), String::new(), Some(1_000));
            let frame = ServerFrame::Err {
                code,
                message,
                ch: Some(channel_name(ch)),
                reference: None,
                retry_after_ms,
            };
            net.carry_to_client(conn, ToClient::Frame(frame), stage);
        }
    }

    pub fn trim(&mut self, ch: usize, stage: &mut Stage) {
        let head = self.logs[ch].now().head();
        let offset = stage.rng.below(head + 1);
        stage.note("log is trimmed, channel, up to", &[ch as u64, offset]);
        self.logs[ch].trim(offset);
    }

    pub fn lose_messages(&mut self, ch: usize, stage: &mut Stage) {
        let head = self.logs[ch].now().head();
        if head > 0 {
            let offset = stage.rng.between(head.saturating_sub(20).max(1), head);
            stage.note("log loses, channel, offset", &[ch as u64, offset]);
            self.logs[ch].lose(offset);
        }
    }
}
