//! Publications: how they are stored and fanned out.

use seamline::wire::ServerFrame;

use super::Server;
use crate::feed::Step;
use crate::log::{channel_name, message_id};
use crate::network::{Network, ToClient};
use crate::stage::Stage;

impl Server {
    /// Stores a client's publication, or rejects it, or stores it and crashes.
    pub fn publish(
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
        if let Some(for_now) = self.refusal(conn, ch, &key, message, stage) {
            let numbers = [conn as u64, ch as u64, message, for_now.into()];
            stage.note("server refuses publication, connection, channel, message, for now", &numbers);
            let retry_after_ms = for_now.then(|| stage.rng.below(2_000));
            let (ch, code, message) = (channel_name(ch), "no".to_owned(), String::new());
            let frame = ServerFrame::PubNack { ch, key, code, message, retry_after_ms };
            return net.carry_to_client(conn, ToClient::Frame(frame), stage);
        }
        let (page, number) = key.rsplit_once('-').map_or(("", 0), |(page, n)| (page, n.parse().unwrap_or(0)));
        let newest = self.logs[ch].newest_of(&format!("{page}-"));
        let (offset, new) = self.logs[ch].append(Some(&key), message);
        // One that an earlier log had is sent again if its answer was lost, even after later ones. One that closed
        // connections or was too large, and that may have failed at the client, may still be in transit on an old
        // connection.
        let first_time = self.stored_once.insert(message);
        let given_up = self.poisoned.contains_key(&message) || self.is_large(message);
        let in_order = !new || !first_time || given_up || number > newest;
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
        net.carry_to_client(
            conn,
            ToClient::Frame(ServerFrame::PubAck { ch: channel_name(ch), key, id, offset }),
            stage,
        );
    }

    /// Whether a publication is rejected, and if so, whether only with a pause.
    fn refusal(
        &mut self,
        conn: usize,
        ch: usize,
        key: &String,
        message: u64,
        stage: &mut Stage,
    ) -> Option<bool> {
        let held = self.peers.entry(conn).or_default().held.entry(ch).or_default();
        let out_of_order = held.front().is_some_and(|first| first != key);
        let for_now = out_of_order || stage.rng.chance(stage.faults.nack_for_now) || self.frozen(ch, stage);
        let held = self.peers.entry(conn).or_default().held.entry(ch).or_default();
        if for_now {
            if !held.contains(key) {
                held.push_back(key.clone());
            }
            return Some(true);
        }
        held.pop_front();
        let for_good = self.refused.contains(&message) || stage.rng.chance(stage.faults.nack_for_good);
        if for_good {
            self.refused.insert(message); // the answer may be lost, and the next one must be the same
        }
        for_good.then_some(false)
    }

    /// Sends a cast to all other subscribers.
    pub fn cast(&mut self, from: usize, ch: usize, data: u64, net: &mut Network, stage: &mut Stage) {
        self.casts.insert(data);
        for conn in self.conns() {
            if conn != from && self.feed(conn, ch).is_some() {
                let frame = ServerFrame::Cast { ch: channel_name(ch), data };
                net.carry_to_client(conn, ToClient::Frame(frame), stage);
            }
        }
    }

    /// A message of another client.
    pub fn append(&mut self, ch: usize, stage: &mut Stage) {
        if self.up && !self.frozen(ch, stage) {
            let message = self.draw_message();
            let (offset, _) = self.logs[ch].append(None, message);
            stage.note("log has channel, offset", &[ch as u64, offset]);
            self.fan_out(ch, offset, message, stage);
        }
    }

    /// A log that was rewound must not grow past a client that has not noticed it: offsets alone could not show
    /// it any longer.
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
