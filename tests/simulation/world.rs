//! What all pages of one seed share: the network, the server and its logs, and the stage they play on.

use crate::faults::Faults;
use crate::network::Network;
use crate::server::Server;
use crate::stage::Stage;

pub struct World {
    pub net: Network,
    pub server: Server,
    pub stage: Stage,
    /// No clock jumps, no timer sleeps, and an answer takes less than the shortest deadline.
    in_time: bool,
}

impl World {
    /// Everything that is not a page. The seed decides what goes wrong, and how often.
    pub fn new(seed: u64, faults: Option<Faults>, readable: bool) -> Self {
        let stage = Stage::new(seed, faults, readable);
        let f = &stage.faults;
        let in_time = f.clock_jump + f.freeze + f.suspend + f.throttle == 0 && f.latency_ms_max <= 200;
        World { net: Network::default(), server: Server::new(&stage), in_time, stage }
    }

    /// Whether a connection's bytes flow, and its page must know of it in time.
    pub fn is_sound(&self, conn: usize) -> bool {
        let c = &self.net.conns[conn];
        self.in_time && self.server.up && c.sound && c.served && c.opened
    }
}
