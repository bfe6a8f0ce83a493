//! The positions that the server stores for its clients.

use super::Server;

impl Server {
    /// Stores a position for a page load, and for the client id if it is the furthest.
    pub fn store(&mut self, conn: usize, ch: usize, at: (u64, u64)) {
        let names = &self.peers[&conn].names;
        for name in names.first().into_iter().chain(names.last()) {
            let stored = self.stored.entry((name.clone(), ch)).or_insert(at);
            *stored = at.max(*stored);
        }
    }

    /// The start point of a client that names none: its stored position. What is found, or else
    /// `otherwise`, is stored as its own.
    pub fn resume(&mut self, conn: usize, ch: usize, otherwise: (u64, u64)) -> Option<(u64, u64)> {
        let names = &self.peers[&conn].names;
        let found = names.iter().find_map(|name| self.stored.get(&(name.clone(), ch)).copied());
        if let [own, _, ..] = names.as_slice() {
            self.stored.insert((own.clone(), ch), found.unwrap_or(otherwise));
        }
        found
    }

    /// The same for a client that names its start point.
    pub fn begin(&mut self, conn: usize, ch: usize, at: (u64, u64)) {
        if let [own, _, ..] = self.peers[&conn].names.as_slice() {
            let stored = self.stored.entry((own.clone(), ch)).or_insert(at);
            *stored = at.max(*stored);
        }
    }
}
