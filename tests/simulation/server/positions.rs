//! The positions that the server stores for its clients.

use super::Server;

impl Server {
    /// Stores a position as that of a page load, and as that of all with the client id, if it is the furthest.
    pub fn store(&mut self, conn: usize, ch: usize, at: (u64, u64)) {
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
}
