//! The file of a store that was not closed properly, for a reader that must not repair it.
//!
//! A file that redb shares between processes is opened for reading without the list of free pages, which the crash has
//! made unusable. If a flag in the first page is set, it needs a repair all the same (`docs/design.md` of redb). So this
//! backend clears the flag in what is read, and has locks that no other process holds.

use std::fs::File;
use std::io;
use std::ops::Bound;
use std::os::unix::fs::FileExt;

use redb::{BackendError, StorageBackend};

/// Where the flag is, and its bit.
const FLAGS_AT: u64 = 9;
const REPAIR_NEEDED: u8 = 2;

/// See the module.
#[derive(Debug)]
pub(super) struct Unclosed(pub File);

impl StorageBackend for Unclosed {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)?;
        let at = FLAGS_AT.checked_sub(offset).and_then(|at| usize::try_from(at).ok());
        if let Some(flags) = at.and_then(|at| out.get_mut(at)) {
            *flags &= !REPAIR_NEEDED;
        }
        Ok(())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn try_lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn query_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(false)
    }
}
