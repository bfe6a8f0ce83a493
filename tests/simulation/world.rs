//! What all pages of one seed share: the network, the server and its logs, and the stage they play on.

use crate::faults::Faults;
use crate::network::Network;
use crate::server::Server;
use crate::stage::Stage;

pub struct World {
    pub net: Network,
    pub server: Server,
    pub stage: Stage,
}

impl World {
    /// Everything that is not a page. The seed decides what goes wrong, and how often.
    pub fn new(seed: u64, faults: Option<Faults>, readable: bool) -> Self {
        let stage = Stage::new(seed, faults, readable);
        World { net: Network::default(), server: Server::new(&stage), stage }
    }
}
