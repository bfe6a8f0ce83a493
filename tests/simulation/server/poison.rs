//! Publications for which the server or a proxy closes the connection.

use seamline::wire::close;

use super::Server;
use crate::network::Network;
use crate::stage::Stage;

/// The codes with which a peer rejects a publication. A proxy only cuts the connection.
const POISON_CODES: [u16; 6] = [
    close::PROTOCOL_ERROR,
    1006,
    close::INVALID_DATA,
    close::POLICY_VIOLATION,
    close::TOO_BIG,
    close::PAYLOAD_TOO_LARGE,
];
/// A publication that is rejected with a close code fails after the client has received that code three times. Some
/// of the closes are lost in transit.
const POISON_MAX: u32 = 30;

impl Server {
    /// Whether a publication that failed was one that closes connections.
    pub fn bears(&self, message: u64) -> bool {
        !self.poisoned.contains_key(&message)
    }

    /// Closes the connection, if a publication is one that does so.
    pub fn chokes(&mut self, conn: usize, message: u64, net: &mut Network, stage: &mut Stage) -> bool {
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
}
