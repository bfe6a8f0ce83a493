//! How much is committed in memory before the store's own file is written.

use super::Command;

/// What a durable commit writes at most, so that publishers do not wait longer than some milliseconds.
const BYTES_MAX: usize = 1024 * 1024;
/// A larger group is written to the file directly instead of twice.
const RECORD_BYTES_MAX: usize = 64 * 1024;
/// A key is random, so each one changes a page of its own.
const BYTES_PER_COMMAND: usize = 4096;

/// See the module.
#[derive(Default)]
pub(in crate::log::embedded) struct Budget {
    spent: usize,
}

impl Budget {
    /// Whether this group may be committed in memory.
    pub fn allows(&self, record: usize, group: &[Command]) -> bool {
        record <= RECORD_BYTES_MAX && self.spent + cost(record, group) <= BYTES_MAX
    }

    pub fn spend(&mut self, record: usize, group: &[Command]) {
        self.spent += cost(record, group);
    }

    /// Everything is on disk.
    pub fn start_over(&mut self) {
        self.spent = 0;
    }
}

fn cost(record: usize, group: &[Command]) -> usize {
    record + group.len() * BYTES_PER_COMMAND
}
