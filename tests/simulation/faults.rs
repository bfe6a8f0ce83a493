//! The faults of a world and their rates. Each seed draws its own rates. Many are 0, so some worlds have few
//! kinds of faults and others have all of them.

use serde::{Deserialize, Serialize};

use crate::rng::Rng;

/// Rates are in thousandths of what the comment names. The default is a world without faults.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    // The world's size.
    pub clients: u64,
    pub channels: u64,
    /// How long faults are injected.
    pub faults_ms: u64,
    pub append_every_ms: u64,
    pub publish_every_ms: u64,
    pub replay_credit: u64,
    pub queue_messages_max: u64,

    // The network.
    pub latency_ms_max: u64,
    /// Of half seconds and connections:
    pub cut: u64,
    pub half_open: u64,
    pub stall: u64,
    /// Of attempts to connect:
    pub connect_refused: u64,
    pub connect_hangs: u64,
    pub connect_slow: u64,
    /// A proxy closes connections that are silent for this long; 0: there is no proxy.
    pub idle_close_ms: u64,

    // The server. Of half seconds:
    pub crash: u64,
    /// Of crashes, those after which the log is another one …
    pub crash_new_epoch: u64,
    /// … or an older one.
    pub crash_rewinds: u64,
    pub drain: u64,
    pub new_epoch_while_up: u64,
    pub trim: u64,
    pub lose_messages: u64,
    pub log_error: u64,
    /// Of welcomes:
    pub no_welcome: u64,
    pub too_fast: u64,
    /// Of subscriptions:
    pub replay_everything: u64,
    pub replay_overlap: u64,
    /// Of subscriptions, those whose server goes ahead of the credit. The others are at a server that does not know
    /// about that.
    pub goes_ahead: u64,
    /// Of frames of messages:
    pub duplicate: u64,
    pub skip_messages: u64,
    pub interleave: bool,
    pub page_messages_max: u64,
    pub page_delay_ms_max: u64,
    pub fan_out_delay_ms_max: u64,
    /// How many messages may wait for a slow socket before the server falls back to the log.
    pub live_queue_max: u64,
    /// Of publications:
    pub append_then_crash: u64,
    pub nack_for_now: u64,
    pub nack_for_good: u64,
    /// Of subscriptions, those at a node that lags behind the log.
    pub node_lags: u64,
    /// Of half seconds and connections:
    pub bad_frame: u64,
    pub unknown_frame: u64,
    /// The server closes with a code that means nothing in particular, or with one that ends the session.
    pub odd_close: u64,
    pub fatal_close: u64,

    // The page. Of half seconds and clients:
    pub freeze: u64,
    pub clock_jump: u64,
    pub wake: u64,
    pub hide: u64,
    /// Into the back/forward cache, and out of it after a while.
    pub suspend: u64,
    pub throttle: u64,
    pub reload: u64,
    /// Of reloads, those in which the application stored no position, so the server's is used:
    pub forgets: u64,
    /// The pages are copies of one: they have one client id.
    pub copies: bool,
    /// Of deliveries:
    pub resubscribe: u64,
    pub app_hangs: u64,
    pub app_slow_ms_max: u64,
    pub has_token: bool,
    /// Of tokens:
    pub token_fails: u64,
    pub token_refused: u64,
    /// Of half seconds and connections:
    pub token_expires: u64,
    /// Of what an application sends, the casts:
    pub casts: u64,

    // Lasting faults of a server, a proxy or a link.
    /// Of half seconds and channels: from then on, new messages cannot be read from the log and arrive only live,
    /// until all faults end.
    pub node_stuck: u64,
    /// The limit of channels per connection; 0: no limit.
    pub channels_max: u64,
    /// Of publications: the server, or a proxy before it, closes the connection when it receives them.
    pub poison: u64,
    /// Bytes a second of each connection, each way; 0: no limit.
    pub bandwidth: u64,
    pub message_bytes: u64,
    /// Of half seconds and clients: the process is busy for a while, and then runs its timers before it reads
    /// its sockets.
    pub busy: u64,
    /// Of tokens, those that take up to a minute:
    pub token_slow: u64,
    /// Of publications:
    pub large_publications: u64,
    /// Of welcomes, those after which the server accepts no large publication:
    pub small_frames: u64,
}

/// Off in half of the worlds.
fn rate(rng: &mut Rng, max: u64) -> u64 {
    if rng.chance(500) { 0 } else { rng.between(1, max) }
}

impl Faults {
    pub fn draw(rng: &mut Rng) -> Self {
        let mut faults = Faults::draw_short_lived(rng);
        faults.draw_long_lived(rng);
        faults
    }

    fn draw_long_lived(&mut self, r: &mut Rng) {
        self.node_stuck = if r.chance(200) { r.between(1, 20) } else { 0 };
        self.channels_max = u64::from(r.chance(100));
        if self.channels_max > 0 {
            self.crash_rewinds = 0; // a channel over the limit would never receive the report
        }
        self.poison = if r.chance(300) { r.between(1, 50) } else { 0 };
        self.busy = if r.chance(300) { r.between(1, 100) } else { 0 };
        self.token_slow = if r.chance(500) { r.between(1, 500) } else { 0 };
        if r.chance(200) {
            self.bandwidth = [10_000, 30_000, 200_000][r.below(3) as usize];
            self.message_bytes = [10, 300, 2_000][r.below(3) as usize];
            // A link that is always full never catches up.
            let every_ms = self.clients * self.message_bytes * 8_000 / self.bandwidth;
            self.append_every_ms = self.append_every_ms.max(every_ms);
            self.publish_every_ms = self.publish_every_ms.max(every_ms);
        }
        self.copies = r.chance(200);
        self.forgets = if r.chance(400) { r.between(1, 1_000) } else { 0 };
        if self.forgets > 0 {
            self.crash_rewinds = 0; // a position that was stored before it cannot show it
        }
        if self.bandwidth == 0 && r.chance(300) {
            self.large_publications = r.between(1, 500);
            self.small_frames = if r.chance(500) { r.between(1, 500) } else { 0 };
        }
        self.goes_ahead = r.between(0, 1_000);
    }

    fn draw_short_lived(rng: &mut Rng) -> Self {
        let r = rng;
        Faults {
            clients: r.between(1, 3),
            channels: r.between(1, 2),
            faults_ms: r.between(10_000, 120_000),
            append_every_ms: [20, 100, 500, 3_000][r.below(4) as usize],
            publish_every_ms: [200, 1_000, 5_000][r.below(3) as usize],
            replay_credit: [1, 5, 20, 100, 2_000][r.below(5) as usize],
            queue_messages_max: [3, 30, 200, 10_000][r.below(4) as usize],
            latency_ms_max: [1, 20, 200, 1_500][r.below(4) as usize],
            cut: rate(r, 100),
            half_open: rate(r, 30),
            stall: rate(r, 50),
            connect_refused: rate(r, 500),
            connect_hangs: rate(r, 200),
            connect_slow: rate(r, 300),
            idle_close_ms: if r.chance(200) { r.between(2_000, 60_000) } else { 0 },
            crash: rate(r, 50),
            crash_new_epoch: rate(r, 300),
            crash_rewinds: rate(r, 700),
            drain: rate(r, 20),
            new_epoch_while_up: rate(r, 20),
            trim: rate(r, 100),
            lose_messages: rate(r, 20),
            log_error: rate(r, 20),
            no_welcome: rate(r, 100),
            too_fast: rate(r, 100),
            replay_everything: rate(r, 300),
            replay_overlap: rate(r, 500),
            duplicate: rate(r, 200),
            skip_messages: rate(r, 100),
            interleave: r.chance(500),
            page_messages_max: r.between(1, 50),
            page_delay_ms_max: [1, 50, 1_000][r.below(3) as usize],
            fan_out_delay_ms_max: [1, 50, 500][r.below(3) as usize],
            live_queue_max: [5, 50, 1_000][r.below(3) as usize],
            append_then_crash: rate(r, 50),
            nack_for_now: rate(r, 200),
            nack_for_good: rate(r, 100),
            freeze: rate(r, 20),
            clock_jump: rate(r, 20),
            wake: rate(r, 200),
            hide: rate(r, 100),
            suspend: rate(r, 20),
            throttle: rate(r, 20),
            reload: rate(r, 20),
            resubscribe: rate(r, 50),
            app_hangs: rate(r, 20),
            app_slow_ms_max: [0, 20, 500, 3_000, 10_000][r.below(5) as usize],
            has_token: r.chance(300),
            token_fails: rate(r, 200),
            token_refused: rate(r, 200),
            token_expires: rate(r, 30),
            node_lags: rate(r, 300),
            bad_frame: rate(r, 20),
            unknown_frame: rate(r, 50),
            odd_close: rate(r, 20),
            fatal_close: rate(r, 5),
            casts: rate(r, 500),
            ..Faults::default()
        }
    }

    /// The same world without faults.
    pub fn heal(&mut self) {
        *self = Faults {
            interleave: self.interleave,
            clients: self.clients,
            channels: self.channels,
            faults_ms: self.faults_ms,
            replay_credit: self.replay_credit,
            queue_messages_max: self.queue_messages_max,
            has_token: self.has_token,
            channels_max: self.channels_max,
            bandwidth: self.bandwidth,
            message_bytes: self.message_bytes,
            goes_ahead: self.goes_ahead,
            copies: self.copies,
            ..Faults::default()
        };
    }
}

impl Default for Faults {
    fn default() -> Self {
        Faults {
            clients: 1,
            channels: 1,
            faults_ms: 10_000,
            append_every_ms: 500,
            publish_every_ms: 1_000,
            replay_credit: 2_000,
            queue_messages_max: 10_000,
            latency_ms_max: 20,
            cut: 0,
            half_open: 0,
            stall: 0,
            connect_refused: 0,
            connect_hangs: 0,
            connect_slow: 0,
            idle_close_ms: 0,
            crash: 0,
            crash_new_epoch: 0,
            crash_rewinds: 0,
            drain: 0,
            new_epoch_while_up: 0,
            trim: 0,
            lose_messages: 0,
            log_error: 0,
            no_welcome: 0,
            too_fast: 0,
            replay_everything: 0,
            replay_overlap: 0,
            goes_ahead: 0,
            duplicate: 0,
            skip_messages: 0,
            interleave: false,
            page_messages_max: 50,
            page_delay_ms_max: 1,
            fan_out_delay_ms_max: 5,
            live_queue_max: 1_000,
            append_then_crash: 0,
            nack_for_now: 0,
            nack_for_good: 0,
            freeze: 0,
            clock_jump: 0,
            wake: 0,
            hide: 0,
            suspend: 0,
            throttle: 0,
            reload: 0,
            resubscribe: 0,
            app_hangs: 0,
            app_slow_ms_max: 0,
            has_token: false,
            token_fails: 0,
            token_refused: 0,
            token_expires: 0,
            node_lags: 0,
            bad_frame: 0,
            unknown_frame: 0,
            odd_close: 0,
            fatal_close: 0,
            casts: 0,
            node_stuck: 0,
            channels_max: 0,
            poison: 0,
            bandwidth: 0,
            message_bytes: 10,
            busy: 0,
            token_slow: 0,
            large_publications: 0,
            small_frames: 0,
            forgets: 0,
            copies: false,
        }
    }
}
