//! How many commits there were, in a small file beside the store.
//!
//! The store keeps its two newest commits, and one bit in its first page says which of them is the newer one. Each
//! has a checksum, but that bit has none: if it flips, the store opens with the commit before the last and finds nothing
//! wrong. The same goes for a file that is empty, or that was replaced by an older copy. So the number of the newest
//! commit is in a second place, too, and a store that has not come as far is refused.
//!
//! It is written after the commit and not flushed: a crash of the process loses nothing of it, and after a crash of the
//! machine it may be behind, which is no reason to refuse. It is never ahead.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use redb::{ReadableTable, StorageError, Table};
use tracing::warn;

use super::schema::COMMITS;

const FILE_NAME: &str = "seamline.commits";

/// The file, to write to.
pub(in crate::log) struct CommitCount {
    file: File,
    failed: bool,
}

impl CommitCount {
    /// Counts a commit in the store, as part of it; gives its number.
    pub fn count(meta: &mut Table<'_, &'static str, u64>) -> Result<u64, StorageError> {
        let number = meta.get(COMMITS)?.map_or(1, |commits| commits.value() + 1);
        meta.insert(COMMITS, number)?;
        Ok(number)
    }

    /// What the file says. Without one, or if it says nothing that can be read, nothing is known.
    pub fn read(directory: &Path) -> Option<u64> {
        let text = std::fs::read_to_string(directory.join(FILE_NAME)).ok()?;
        let (once, again) = text.trim_end().split_once(' ')?;
        once.parse().ok().filter(|_| once == again)
    }

    /// Opens it for writing.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.create(true).write(true).truncate(false).open(directory.join(FILE_NAME))?;
        Ok(CommitCount { file, failed: false })
    }

    /// The store is at this commit. Without room for it the log goes on: it is a second look, no part of the promise.
    pub fn write(&mut self, commits: u64) {
        // Of one length and twice, so that half of it is not taken for another number.
        let line = format!("{commits:020} {commits:020}\n");
        let written = self.file.write_all_at(line.as_bytes(), 0);
        if let (Err(e), false) = (&written, self.failed) {
            warn!("the number of commits could not be written to {FILE_NAME}: {e}");
        }
        self.failed = written.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_half_of_it_is_not() {
        let directory = tempfile::TempDir::new().unwrap();
        assert_eq!(CommitCount::read(directory.path()), None);
        let mut count = CommitCount::open(directory.path()).unwrap();
        assert_eq!(CommitCount::read(directory.path()), None);
        for commits in [u64::MAX, 0, 42] {
            count.write(commits);
            assert_eq!(CommitCount::read(directory.path()), Some(commits));
        }
        let line = std::fs::read(directory.path().join(FILE_NAME)).unwrap();
        for end in 0..line.len() - 1 {
            std::fs::write(directory.path().join(FILE_NAME), &line[..end]).unwrap();
            assert_eq!(CommitCount::read(directory.path()), None, "{end}");
        }
        std::fs::write(directory.path().join(FILE_NAME), [0xFF; 42]).unwrap();
        assert_eq!(CommitCount::read(directory.path()), None);
    }
}
