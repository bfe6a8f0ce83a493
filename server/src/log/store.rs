//! Opening the embedded log's file, and refusing to.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, ReadableDatabase, StorageError, TableError};
use tracing::{info, warn};

use super::commits::CommitCount;
use super::schema::{CHANNELS, COMMITS, KEY_ORDER, KEYS, MESSAGES, META, SYNC, VERSION};

/// How much of the store is kept in memory (the default would be a gigabyte).
const CACHE_BYTES: usize = 64 * 1024 * 1024;
const FILE_NAME: &str = "seamline.redb";

const DAMAGED: &str = "The store is damaged: restore it from a backup, or start afresh with another --data.";
const OLDER: &str = "The store is damaged, or an older copy: restore a newer one, or start afresh with another --data. To \
                     use it as it is, remove `seamline.commits` beside it; clients that were further are told so.";

/// An open store.
pub(super) struct Store {
    pub db: Database,
    pub commits: CommitCount,
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
pub(super) fn open(directory: &Path, trusted: bool) -> Result<Store, OpenError> {
    std::fs::create_dir_all(directory).map_err(|e| no_access(directory, &e))?;
    let db = open_file(directory, trusted)?;
    let commits = CommitCount::open(directory).map_err(|e| no_access(directory, &e))?;
    Ok(Store { db, commits })
}

/// Opens a store that is there; creates none.
pub(super) fn open_existing(directory: &Path) -> Result<Database, OpenError> {
    let path = directory.join(FILE_NAME);
    if !path.is_file() {
        let problem = "there is none".into();
        return Err(OpenError { path, problem, advice: "Give the server's directory with --data." });
    }
    open_file(directory, false)
}

fn no_access(directory: &Path, e: &io::Error) -> OpenError {
    let advice = "Give a directory that this process may write to with --data.";
    OpenError { path: directory.to_owned(), problem: e.to_string(), advice }
}

/// The store is open, and what writes to it cannot be started.
pub(super) fn no_thread(directory: &Path, e: &io::Error) -> OpenError {
    let advice = "The system has no thread to spare.";
    OpenError { path: directory.to_owned(), problem: e.to_string(), advice }
}

fn open_file(directory: &Path, trusted: bool) -> Result<Database, OpenError> {
    let path = directory.join(FILE_NAME);
    let fail = |problem: String, advice| OpenError { path: path.clone(), problem, advice };
    let db = Database::builder()
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(!trusted)
        .set_repair_callback(move |repair| {
            let progress = repair.progress() * 100.0;
            match trusted {
                true => warn!("the store was not closed properly; checking it ({progress:.0} %)"),
                false => info!("checking the store ({progress:.0} %)"),
            }
        })
        .create(&path)
        .map_err(|e| fail(e.to_string(), advice(&e)))?;
    // Nothing is written to a store that is refused.
    let (version, commits) = look(&db).map_err(|e| fail(e.to_string(), DAMAGED))?;
    if let Some(counted) = CommitCount::read(directory).filter(|counted| *counted > commits) {
        return Err(fail(
            format!("it ends with commit {commits}, and commit {counted} was made here"),
            OLDER,
        ));
    }
    match version {
        Some(VERSION) => {}
        None => create_tables(&db).map_err(|e| fail(e.to_string(), DAMAGED))?,
        Some(version) => {
            let problem = format!("its layout is version {version}, and this server knows version {VERSION}");
            return Err(fail(problem, "Use the server that wrote it, or another directory with --data."));
        }
    }
    Ok(db)
}

/// The layout's version, unless the store is new, and how many commits there were.
fn look(db: &Database) -> Result<(Option<u64>, u64), redb::Error> {
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
        DatabaseError::Storage(StorageError::Io(e)) if !is_damage(e) => {
            "Give a directory that this process may write to with --data."
        }
        _ => DAMAGED,
    }
}

/// The file was read, and is not what it should be, or ends too early.
fn is_damage(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}
