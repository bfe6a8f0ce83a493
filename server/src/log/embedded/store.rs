//! Opening the embedded log's file, and refusing to.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use redb::{
    Database, DatabaseError, Durability, ReadableDatabase, StorageError, TableError, WriteTransaction,
};
use tracing::{debug, info, warn};

use super::commits::CommitCount;
use super::schema::{CHANNELS, COMMITS, KEY_ORDER, KEYS, MESSAGES, META, SYNC, VERSION};

/// How much of the store is kept in memory (the default would be a gigabyte).
const CACHE_BYTES: usize = 64 * 1024 * 1024;
const FILE_NAME: &str = "seamline.redb";

const FULL: &str =
    "Make room on its disk, or raise what limits the size of files, or give another directory with --data.";
const NO_ACCESS: &str = "Give a directory that this process may write to with --data.";
const DAMAGED: &str = "The store is damaged: restore it from a backup, or start afresh with another --data.";
const OLDER: &str = "The store is damaged, or an older copy: restore a newer one, or start afresh with another --data. To \
                     use it as it is, remove `seamline.commits` beside it; clients that were further are told so.";

/// An open store.
pub(in crate::log) struct OpenStore {
    pub db: Database,
    pub commits: CommitCount,
    /// The number of its newest commit.
    pub committed: u64,
}

/// The store could not be opened; says what to do.
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    problem: String,
    advice: &'static str,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OpenError { path, problem, advice } = self;
        write!(f, "cannot open the store {}: {problem}\n{advice}", path.display())
    }
}

impl std::error::Error for OpenError {}

/// Opens the store in a directory, which is created if it is not there. Unless it is trusted, the checksums of all its
/// pages are verified.
pub(in crate::log) fn open(directory: &Path, trusted: bool) -> Result<OpenStore, OpenError> {
    std::fs::create_dir_all(directory).map_err(|e| no_access(directory, &e))?;
    let checking = if trusted { not_closed } else { checking };
    let (db, committed) = open_file(directory, trusted, checking)?;
    let commits = CommitCount::open(directory).map_err(|e| no_access(directory, &e))?;
    Ok(OpenStore { db, commits, committed })
}

/// Opens again the store that this process had open at this commit. Another one, or an older state, is refused: what
/// this process has acknowledged is in it, or it is not opened. Gives the number of its newest commit, too.
pub(in crate::log) fn reopen(
    directory: &Path,
    trusted: bool,
    committed: u64,
) -> Result<(Database, u64), OpenError> {
    must_exist(directory)?;
    let (db, found) = open_file(directory, trusted, checking_again)?;
    match found < committed {
        true => Err(older(directory.join(FILE_NAME), found, committed)),
        false => Ok((db, found)),
    }
}

/// Begins a transaction as all of the log's are: flushed, and the commit record after what it commits, flushed apart.
/// In one step, a record whose pages are damaged looks like one that was being written: the store would open without
/// the last group, and say nothing.
pub(in crate::log) fn begin_write(db: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut txn = db.begin_write()?;
    txn.set_durability(Durability::Immediate)?;
    txn.set_two_phase_commit(true);
    Ok(txn)
}

/// Opens a store that is there; creates none.
pub(in crate::log) fn open_existing(directory: &Path) -> Result<Database, OpenError> {
    must_exist(directory)?;
    Ok(open_file(directory, false, checking)?.0)
}

fn must_exist(directory: &Path) -> Result<(), OpenError> {
    let path = directory.join(FILE_NAME);
    match path.is_file() {
        true => Ok(()),
        false => {
            let problem = "there is none".into();
            Err(OpenError { path, problem, advice: "Give the server's directory with --data." })
        }
    }
}

pub(in crate::log) fn no_access(directory: &Path, e: &io::Error) -> OpenError {
    let advice = if is_full(e) { FULL } else { NO_ACCESS };
    OpenError { path: directory.to_owned(), problem: e.to_string(), advice }
}

/// The store is open, and what writes to it cannot be started.
pub(in crate::log) fn no_thread(directory: &Path, e: &io::Error) -> OpenError {
    let advice = "The system has no thread to spare.";
    OpenError { path: directory.to_owned(), problem: e.to_string(), advice }
}

fn checking(percent: f64) {
    info!("checking the store ({percent:.0} %)");
}

fn not_closed(percent: f64) {
    warn!("the store was not closed properly; checking it ({percent:.0} %)");
}

/// That it failed has been said.
fn checking_again(percent: f64) {
    debug!("checking the store again ({percent:.0} %)");
}

/// Gives the number of its newest commit, too.
fn open_file(directory: &Path, trusted: bool, checking: fn(f64)) -> Result<(Database, u64), OpenError> {
    let path = directory.join(FILE_NAME);
    let fail = |problem: String, advice| OpenError { path: path.clone(), problem, advice };
    let db = Database::builder()
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(!trusted)
        .set_repair_callback(move |repair| checking(repair.progress() * 100.0))
        .create(&path)
        .map_err(|e| fail(e.to_string(), advice(&e)))?;
    // Nothing is written to a store that is refused.
    let (version, commits) = look(&db).map_err(|e| fail(e.to_string(), DAMAGED))?;
    if let Some(counted) = CommitCount::read(directory).filter(|counted| *counted > commits) {
        return Err(older(path, commits, counted));
    }
    match version {
        Some(VERSION) => {}
        None => create_tables(&db).map_err(|e| fail(e.to_string(), advice_after(&e)))?,
        Some(version) => {
            let problem = format!("its layout is version {version}, and this server knows version {VERSION}");
            return Err(fail(problem, "Use the server that wrote it, or another directory with --data."));
        }
    }
    Ok((db, commits))
}

fn older(path: PathBuf, found: u64, made: u64) -> OpenError {
    let problem = format!("it ends with commit {found}, and commit {made} was made here");
    OpenError { path, problem, advice: OLDER }
}

/// The layout's version, unless the store is new, and how many commits there were.
pub(in crate::log) fn look(db: &Database) -> Result<(Option<u64>, u64), redb::Error> {
    let meta = match db.begin_read()?.open_table(META) {
        Err(TableError::TableDoesNotExist(_)) => return Ok((None, 0)),
        meta => meta?,
    };
    let version = meta.get("version")?.map(|version| version.value());
    let commits = meta.get(COMMITS)?.map_or(0, |commits| commits.value());
    Ok((version, commits))
}

/// So that readers always find them.
fn create_tables(db: &Database) -> Result<(), redb::Error> {
    let txn = db.begin_write()?;
    txn.open_table(META)?.insert("version", VERSION)?;
    txn.open_table(CHANNELS)?;
    txn.open_table(MESSAGES)?;
    txn.open_table(KEYS)?;
    txn.open_table(KEY_ORDER)?;
    txn.open_table(SYNC)?;
    txn.commit()?;
    Ok(())
}

fn advice(error: &DatabaseError) -> &'static str {
    match error {
        DatabaseError::DatabaseAlreadyOpen => {
            "Another process is using it: stop that one, or give this one its own directory with --data."
        }
        DatabaseError::UpgradeRequired(_) => {
            "An older server wrote it, or it is damaged: use that server, a backup, or another --data."
        }
        DatabaseError::Storage(StorageError::Io(e)) if is_full(e) => FULL,
        DatabaseError::Storage(StorageError::Io(e)) if !is_damage(e) => NO_ACCESS,
        _ => DAMAGED,
    }
}

fn advice_after(error: &redb::Error) -> &'static str {
    match error {
        redb::Error::Io(e) if is_full(e) => FULL,
        _ => DAMAGED,
    }
}

/// There is no room for it: on the disk, in a quota, or in a file of that size.
fn is_full(e: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(e.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// The file was read, and is not what it should be, or ends too early.
fn is_damage(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_store_is_opened_again() {
        let directory = tempfile::TempDir::new().unwrap();
        let problem = |committed| reopen(directory.path(), false, committed).err().unwrap().to_string();
        assert!(problem(0).contains("there is none"));
        assert!(!directory.path().join(FILE_NAME).exists());
        let committed = open(directory.path(), false).unwrap().committed;
        assert!(reopen(directory.path(), false, committed).is_ok());
        assert!(problem(committed + 1).contains("older copy"));
    }

    #[test]
    fn what_to_do_depends_on_what_failed() {
        let io = |kind: io::ErrorKind| DatabaseError::Storage(StorageError::Io(kind.into()));
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge] {
            assert_eq!(advice(&io(kind)), FULL);
            assert_eq!(advice_after(&redb::Error::Io(kind.into())), FULL);
            assert!(no_access(Path::new("data"), &kind.into()).to_string().contains("Make room"));
        }
        assert_eq!(advice(&io(io::ErrorKind::PermissionDenied)), NO_ACCESS);
        assert_eq!(advice(&io(io::ErrorKind::UnexpectedEof)), DAMAGED);
        assert_eq!(advice(&DatabaseError::Storage(StorageError::Corrupted("page".into()))), DAMAGED);
    }
}
