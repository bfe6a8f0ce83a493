//! Opening the file of the embedded store, and refusing a damaged one.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{
    ConcurrencyMode, Database, DatabaseError, Durability, ReadOnlyDatabase, ReadableDatabase, StorageError,
    TableError, WriteTransaction,
};
use tracing::{debug, info, warn};

use super::commits::{self, CommitCount};
use super::eager_file::EagerFile;
use super::journal::{self, Journal, JournalError, Record};
use super::schema::{
    CHANNELS, COMMITS, DELETED, KEY_ORDER, KEY_SEED, KEYS, MESSAGES, META, POSITIONS, VERSION,
};
use super::unclosed::Unclosed;
use super::writer::replay;
use crate::error::SetupError;

/// redb's cache; its default would be a gigabyte.
const CACHE_BYTES: usize = 64 * 1024 * 1024;
const FILE_NAME: &str = "seamline.redb";

const FULL: &str = "Free disk space, raise the limit on file sizes, or give another directory with --data.";
const NO_ACCESS: &str = "Give a directory that this process can write to with --data, or run it as the user that the \
     files belong to.";
const DAMAGED: &str =
    "The store is damaged. Restore it from a backup, or start with an empty directory with --data.";
const OLDER: &str = "The store is damaged, or an older copy. Restore a newer one, or start with an empty directory \
     with --data. To use it as it is, remove `seamline.commits` and `seamline.journal` beside it; clients that have \
     seen more will report a gap (`rewound`).";
const OTHER_LAYOUT: &str = "Use the server version that wrote it, or another directory with --data. `seamline-server log export` of that \
     version and `log import` of this one move the messages.";

/// An open store.
pub(in crate::log) struct OpenStore {
    pub db: Database,
    pub journal: Journal,
    pub commits: CommitCount,
    /// The number of its newest commit.
    pub committed: u64,
}

/// A store that was opened again.
pub(in crate::log) struct Reopened {
    pub db: Database,
    pub journal: Journal,
    pub committed: u64,
}

/// Opens the store in a directory, which is created if missing. Unless the store is trusted, the checksums of all its
/// pages are verified.
pub(in crate::log) fn open(directory: &Path, trusted: bool) -> Result<OpenStore, SetupError> {
    std::fs::create_dir_all(directory).map_err(|e| no_access(directory, &e))?;
    let report = if trusted { repairing } else { verifying };
    let Reopened { db, journal, committed } = open_files(directory, trusted, report)?;
    let commits = CommitCount::open(directory).map_err(|e| no_access(directory, &e))?;
    Ok(OpenStore { db, journal, commits, committed })
}

/// Reopens the store that this process had open at this commit. A different store, or an older state, is refused: the
/// store contains all that this process has acknowledged, or it is not opened.
pub(in crate::log) fn reopen(
    directory: &Path,
    trusted: bool,
    committed: u64,
) -> Result<Reopened, SetupError> {
    must_exist(directory)?;
    let opened = open_files(directory, trusted, verifying_again)?;
    match opened.committed < committed {
        true => Err(older(&directory.join(FILE_NAME), opened.committed, committed)),
        false => Ok(opened),
    }
}

/// The size of the store's files.
pub(in crate::log) fn bytes(directory: &Path) -> u64 {
    let names = [FILE_NAME, journal::FILE_NAME, commits::FILE_NAME];
    names.iter().filter_map(|name| Some(directory.join(name).metadata().ok()?.len())).sum()
}

/// Begins a durable transaction in two phases: redb flushes the data first and then the commit record. In a single
/// phase, a record whose pages are damaged would look like an unfinished commit, and the store would open without its
/// last group and report nothing.
pub(in crate::log) fn begin_write(db: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut txn = db.begin_write()?;
    txn.set_durability(Durability::Immediate)?;
    txn.set_two_phase_commit(true);
    Ok(txn)
}

/// Opens an existing store.
pub(in crate::log) fn open_existing(directory: &Path, trusted: bool) -> Result<Database, SetupError> {
    must_exist(directory)?;
    let report = if trusted { repairing } else { verifying };
    Ok(open_files(directory, trusted, report)?.db)
}

/// Opens a store for reading that may be damaged, as it is on disk: it is neither verified nor repaired. Also returns
/// what is known to be missing.
pub(in crate::log) fn open_unverified(
    directory: &Path,
) -> Result<(ReadOnlyDatabase, Vec<String>), SetupError> {
    must_exist(directory)?;
    let path = directory.join(FILE_NAME);
    let fail = |problem: String, advice| cannot_open(&path, problem, advice);
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    let db = match builder.open_read_only(&path) {
        Err(DatabaseError::RepairAborted) => {
            let file = File::open(&path).map_err(|e| fail(e.to_string(), NO_ACCESS))?;
            builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
            builder.open_read_only_with_backend(Unclosed(file))
        }
        opened => opened,
    };
    let db = db.map_err(|e| fail(e.to_string(), advice(&e)))?;
    let (version, commits) = look(&db).map_err(|e| fail(e.to_string(), DAMAGED))?;
    check_version(version).map_err(|problem| fail(problem, OTHER_LAYOUT))?;
    let newer = CommitCount::read(directory).map_or(0, |counted| counted.saturating_sub(commits));
    let missing =
        (newer > 0).then(|| format!("the newest commits, {newer}, are missing: they are not in the store"));
    Ok((db, missing.into_iter().collect()))
}

/// Whether there is a store in the directory.
pub(in crate::log) fn exists(directory: &Path) -> bool {
    directory.join(FILE_NAME).is_file()
}

/// Removes the files of a store that is closed.
pub(in crate::log) fn remove(directory: &Path) {
    for name in [FILE_NAME, journal::FILE_NAME, commits::FILE_NAME] {
        let _ = std::fs::remove_file(directory.join(name)); // what is left is an empty store
    }
}

pub(in crate::log) fn must_exist(directory: &Path) -> Result<(), SetupError> {
    let path = directory.join(FILE_NAME);
    let missing =
        |problem: &str| cannot_open(&path, problem, "Give the server's data directory with --data.");
    match path.metadata() {
        Ok(file) if file.is_file() => Ok(()),
        Ok(_) => Err(missing("it is not a file")),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(missing("the file does not exist")),
        Err(e) => Err(cannot_open(&path, e, NO_ACCESS)), // another user's directory hides its files
    }
}

pub(in crate::log) fn no_access(directory: &Path, e: &io::Error) -> SetupError {
    let advice = if is_full(e) { FULL } else { NO_ACCESS };
    cannot_open(directory, e, advice)
}

/// The thread that writes to the store could not be started.
pub(in crate::log) fn no_thread(directory: &Path, e: &io::Error) -> SetupError {
    let problem = format!("cannot start its thread: {e}");
    cannot_open(directory, problem, "Raise the limit on threads, such as TasksMax.")
}

fn cannot_open(path: &Path, problem: impl ToString, advice: &str) -> SetupError {
    SetupError::new(format!("cannot open the store {}", path.display()), problem).advice(advice)
}

fn verifying(percent: f64) {
    info!("verifying the store ({percent:.0}%)");
}

fn repairing(percent: f64) {
    warn!("the store was not closed properly; repairing it ({percent:.0}%)");
}

/// The failure has been logged already.
fn verifying_again(percent: f64) {
    debug!("verifying the reopened store ({percent:.0}%)");
}

fn open_files(directory: &Path, trusted: bool, report: fn(f64)) -> Result<Reopened, SetupError> {
    let path = directory.join(FILE_NAME);
    let fail = |problem: String, advice| cannot_open(&path, problem, advice);
    let mut builder = Database::builder();
    builder
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(!trusted)
        .set_repair_callback(move |repair| report(repair.progress() * 100.0));
    let db = private_file(&path)
        .map_err(|e| StorageError::Io(e).into())
        .and_then(FileBackend::new)
        .and_then(|backend| builder.create_with_backend(backend))
        .map_err(|e| fail(e.to_string(), advice(&e)))?;
    // A store that is refused is not written to.
    let (version, commits) = look(&db).map_err(|e| fail(e.to_string(), DAMAGED))?;
    check_version(version).map_err(|problem| fail(problem, OTHER_LAYOUT))?;
    let (journal, records) = open_journal(directory, commits)?;
    let newest = records.last().map_or(commits, |record| record.number);
    if let Some(counted) = CommitCount::read(directory).filter(|counted| *counted > newest) {
        return Err(older(&path, newest, counted));
    }
    if version.is_none() {
        create_tables(&db).map_err(|e| fail(e.to_string(), advice_after(&e)))?;
    }
    let committed = replay(&db, commits, &records).map_err(|e| fail(e.to_string(), advice_after(&e)))?;
    Ok(Reopened { db, journal, committed })
}

/// Also returns the records that the store lacks.
fn open_journal(directory: &Path, committed: u64) -> Result<(Journal, Vec<Record>), SetupError> {
    let path = directory.join(journal::FILE_NAME);
    let failed = |e: &io::Error| cannot_open(&path, e, if is_full(e) { FULL } else { NO_ACCESS });
    let is_new = !path.exists();
    // The lock of the store's own file is that of the journal.
    let file = EagerFile(private_file(&path).map_err(|e| failed(&e))?);
    let opened = Journal::open(Box::new(file), committed).map_err(|e| match e {
        JournalError::Io(e) => failed(&e),
        JournalError::Incomplete(number) => older(&directory.join(FILE_NAME), committed, number),
    })?;
    if is_new {
        // The file has to be there after a crash of the machine.
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(|e| failed(&e))?;
    }
    Ok(opened)
}

/// Opens a file of the store, or creates it. Other users cannot read it, whatever the umask: it has the payloads.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn older(path: &Path, found: u64, made: u64) -> SetupError {
    let problem = format!("it ends at commit {found}, but commit {made} was written here");
    cannot_open(path, problem, OLDER)
}

fn check_version(version: Option<u64>) -> Result<(), String> {
    match version {
        Some(version) if version != VERSION => {
            Err(format!("its layout is version {version}, but this server supports version {VERSION}"))
        }
        _ => Ok(()),
    }
}

/// The version of the layout, unless the store is new, and the number of commits.
pub(in crate::log) fn look(db: &impl ReadableDatabase) -> Result<(Option<u64>, u64), redb::Error> {
    let meta = match db.begin_read()?.open_table(META) {
        Err(TableError::TableDoesNotExist(_)) => return Ok((None, 0)),
        meta => meta?,
    };
    let version = meta.get("version")?.map(|version| version.value());
    let commits = meta.get(COMMITS)?.map_or(0, |commits| commits.value());
    Ok((version, commits))
}

/// Readers can rely on the tables.
fn create_tables(db: &Database) -> Result<(), redb::Error> {
    let txn = db.begin_write()?;
    {
        let mut meta = txn.open_table(META)?;
        meta.insert("version", VERSION)?;
        meta.insert(KEY_SEED, crate::random::bits())?;
    }
    txn.open_table(CHANNELS)?;
    txn.open_table(MESSAGES)?;
    txn.open_table(KEYS)?;
    txn.open_table(KEY_ORDER)?;
    txn.open_table(POSITIONS)?;
    txn.open_table(DELETED)?;
    txn.commit()?;
    Ok(())
}

fn advice(error: &DatabaseError) -> &'static str {
    match error {
        DatabaseError::DatabaseAlreadyOpen => {
            "Another process is using it. Stop that process, or give this one its own directory with --data."
        }
        DatabaseError::UpgradeRequired(_) => {
            "An older server wrote it, or it is damaged. Use that server, a backup, or another directory with --data."
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

/// No space: on the disk, in a quota, or under the limit on file sizes.
fn is_full(e: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(e.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// The file was read, but has the wrong content or ends too early.
fn is_damage(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_store_is_reopened() {
        let directory = tempfile::TempDir::new().unwrap();
        let problem = |committed| reopen(directory.path(), false, committed).err().unwrap().to_string();
        assert!(problem(0).contains("does not exist"));
        assert!(!directory.path().join(FILE_NAME).exists());
        let committed = open(directory.path(), false).unwrap().committed;
        assert!(reopen(directory.path(), false, committed).is_ok());
        assert!(problem(committed + 1).contains("older copy"));
    }

    #[test]
    fn the_advice_depends_on_the_failure() {
        let io = |kind: io::ErrorKind| DatabaseError::Storage(StorageError::Io(kind.into()));
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge] {
            assert_eq!(advice(&io(kind)), FULL);
            assert_eq!(advice_after(&redb::Error::Io(kind.into())), FULL);
            assert!(no_access(Path::new("data"), &kind.into()).to_string().contains("Free disk space"));
        }
        assert_eq!(advice(&io(io::ErrorKind::PermissionDenied)), NO_ACCESS);
        assert_eq!(advice(&io(io::ErrorKind::UnexpectedEof)), DAMAGED);
        assert_eq!(advice(&DatabaseError::Storage(StorageError::Corrupted("page".into()))), DAMAGED);
    }
}
