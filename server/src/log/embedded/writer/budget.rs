//! How much is committed in memory before the store's own file is written.

/// What a durable commit writes at most, so that publishers do not wait longer than some milliseconds.
const BYTES_MAX: usize = 1024 * 1024;
/// A larger group is written to the file directly instead of twice.
const RECORD_BYTES_MAX: usize = 64 * 1024;
/// A key is random, so each one changes a page of its own.
const BYTES_PER_COMMAND: usize = 4096;
/// Of what is dropped.
const BYTES_PER_PAGE: usize = 4096;

/// See the module.
#[derive(Default)]
pub(in crate::log::embedded) struct Budget {
    spent: usize,
}

impl Budget {
    /// Whether a group that has changed so much may be committed in memory.
    pub fn allows(&self, record: usize, commands: usize, dropped_pages: usize) -> bool {
        record <= RECORD_BYTES_MAX && self.spent + cost(record, commands, dropped_pages) <= BYTES_MAX
    }

    pub fn spend(&mut self, record: usize, commands: usize, dropped_pages: usize) {
        self.spent += cost(record, commands, dropped_pages);
    }

    /// The next group is written to the store's own file.
    pub fn exhaust(&mut self) {
        self.spent = BYTES_MAX;
    }

    /// Everything is on disk.
    pub fn start_over(&mut self) {
        self.spent = 0;
    }
}

fn cost(record: usize, commands: usize, dropped_pages: usize) -> usize {
    record + commands * BYTES_PER_COMMAND + dropped_pages * BYTES_PER_PAGE
}
