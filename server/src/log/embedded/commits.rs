//! The number of commits, in a small file beside the store.
//!
//! redb keeps the two newest commits, and one bit in the first page says which of them is newer. Each commit has a
//! checksum, but that bit has none: if it flips, the file opens at the commit before the last, and nothing looks wrong.
//! The same is true of a file that was emptied, or replaced by an older copy. So the number of the newest commit is
//! kept in a second place, and a store that is behind it is refused.
//!
//! The number is written after the commit, and not flushed. It survives a crash of the process. After a crash of the
//! machine it may be behind the store, which is harmless. It is never ahead.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use redb::{ReadableTable, StorageError, Table};
use tracing::warn;

use super::schema::COMMITS;
use super::store::private_file;

pub(in crate::log) const FILE_NAME: &str = "seamline.commits";

/// The file, open for writing.
pub(in crate::log) struct CommitCount {
    file: File,
    failed: bool,
}

impl CommitCount {
    /// Counts a commit as part of its transaction; returns its number.
    pub fn count(meta: &mut Table<'_, &'static str, u64>) -> Result<u64, StorageError> {
        let number = meta.get(COMMITS)?.map_or(1, |commits| commits.value() + 1);
        meta.insert(COMMITS, number)?;
        Ok(number)
    }

    /// Reads the file. `None` if it is missing or torn.
    pub fn read(directory: &Path) -> Option<u64> {
        let text = std::fs::read_to_string(directory.join(FILE_NAME)).ok()?;
        let (once, again) = text.trim_end().split_once(' ')?;
        once.parse().ok().filter(|_| once == again)
    }

    /// Opens it for writing.
    pub fn open(directory: &Path) -> io::Result<Self> {
        Ok(CommitCount { file: private_file(&directory.join(FILE_NAME))?, failed: false })
    }

    /// Records the newest commit. If that fails the store goes on: the count is a safeguard, not part of the guarantee.
    pub fn write(&mut self, commits: u64) {
        // The number has a fixed length and is written twice, so that a torn write is not mistaken for another
        // number.
        let line = format!("{commits:020} {commits:020}\n");
        let written = self.file.write_all_at(line.as_bytes(), 0);
        if let (Err(e), false) = (&written, self.failed) {
            warn!(
                "cannot write the number of commits to {FILE_NAME}: {e}; damage to the store may go unnoticed"
            );
        }
        self.failed = written.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_count_is_ignored() {
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
