//! A file that the kernel begins to write to the disk at once, and not only when it is flushed.
//!
//! So the disk works while the processor changes the tables. With 25 µs of work between them, a write of 4 KB and a
//! flush took 70 µs instead of 95 µs.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use redb::StorageBackend;

/// See the module.
#[derive(Debug)]
pub(super) struct EagerFile(pub File);

impl StorageBackend for EagerFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)?;
        begin_writing(&self.0, offset, data.len() as u64);
        Ok(())
    }
}

/// Linux begins to write dirty pages that it is advised to forget, and does not wait for the disk. Pages that are being
/// written stay in its cache. If the advice has no effect, the flush writes them.
#[cfg(target_os = "linux")]
fn begin_writing(file: &File, offset: u64, length: u64) {
    use rustix::fs::{Advice, fadvise};
    let _ = fadvise(file, offset, std::num::NonZeroU64::new(length), Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn begin_writing(_: &File, _: u64, _: u64) {}
