//! Tests of the writer on a file that fails, at any one of its operations or for a while.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use redb::{Database, StorageBackend};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{Budget, Command, Reopened, Writer, replay};
use crate::error::SetupError;
use crate::log::embedded::commits::CommitCount;
use crate::log::embedded::handle::Handle;
use crate::log::embedded::journal::Journal;
use crate::log::embedded::reads::read_page;
use crate::log::embedded::store;
use crate::log::hub::{Hub, LiveStream, Next};
use crate::log::{Append, Appended, Health, PageLimit, Retention, StoreError};

const NEVER: u64 = u64::MAX;

#[derive(Debug)]
struct Faults {
    /// How many writing operations succeed before one fails.
    until_fault: AtomicU64,
    /// Whether all writing operations fail.
    full: AtomicBool,
}

impl Faults {
    fn strike(&self) -> io::Result<()> {
        let left = self.until_fault.load(Ordering::Relaxed);
        if left != NEVER {
            self.until_fault.store(left.wrapping_sub(1), Ordering::Relaxed); // after 0 comes NEVER
        }
        match left == 0 || self.full.load(Ordering::Relaxed) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

#[derive(Debug)]
struct FaultyFile(File, Arc<Faults>);

impl StorageBackend for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.1.strike()?;
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.1.strike() // the process lives on, so what was written is there
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.1.strike()?;
        self.0.write_all_at(data, offset)
    }
}

fn open(directory: &Path, faults: &Arc<Faults>) -> Result<Reopened, SetupError> {
    let failed = |e: &dyn ToString| store::no_access(directory, &io::Error::other(e.to_string()));
    let file = |name: &str| {
        let file =
            File::options().read(true).write(true).open(directory.join(name)).map_err(|e| failed(&e))?;
        Ok(FaultyFile(file, faults.clone()))
    };
    let mut builder = Database::builder();
    builder.set_check_integrity_on_open(true);
    let db = builder.create_with_backend(file("seamline.redb")?).map_err(|e| failed(&e))?;
    let (_, commits) = store::look(&db).map_err(|e| failed(&e))?;
    let opened = Journal::open(Box::new(file("seamline.journal")?), commits);
    let (journal, records) = opened.unwrap_or_else(|_| panic!("the journal is damaged"));
    let committed = replay(&db, commits, &records).map_err(|e| failed(&e))?;
    Ok(Reopened { db, journal, committed })
}

struct World {
    writer: Writer,
    faults: Arc<Faults>,
    live: LiveStream,
    _directory: TempDir,
}

impl World {
    fn new() -> World {
        let directory = TempDir::new().unwrap();
        drop(store::open(directory.path(), true).unwrap());
        let faults = Arc::new(Faults { until_fault: AtomicU64::new(NEVER), full: AtomicBool::new(false) });
        let Reopened { db, journal, committed } = open(directory.path(), &faults).unwrap();
        let hub = Arc::new(Hub::new(usize::MAX));
        let live = hub.subscribe("c");
        let (path, file_faults) = (directory.path().to_owned(), faults.clone());
        let writer = Writer {
            handle: Arc::new(Handle::new(db)),
            open_file: Box::new(move |_| open(&path, &file_faults)),
            journal,
            budget: Budget::default(),
            commits: CommitCount::open(directory.path()).unwrap(),
            committed,
            hub,
            retention: Retention { messages: 1000, ..Retention::default() },
            outage: None,
        };
        World { writer, faults, live, _directory: directory }
    }

    /// Publishes a number under itself as the key.
    fn publish(&mut self, i: u64) -> Result<Appended, StoreError> {
        let append = Append {
            ch: "c".into(),
            key: Some(i.to_string()),
            data: i.to_string().into(),
            trace: Default::default(),
        };
        let (answer, mut receiver) = oneshot::channel();
        self.writer.commit(vec![Command::Append(append, answer)]);
        receiver.try_recv().expect("an answer")
    }

    /// The live messages since the last call.
    fn heard(&mut self) -> Vec<(u64, String)> {
        let mut heard = Vec::new();
        while let Next::Messages(run) = self.live.take(usize::MAX, usize::MAX) {
            heard.extend(run.messages().iter().map(|message| (message.offset, message.data.to_string())));
        }
        heard
    }

    fn stored(&self) -> Vec<(u64, String)> {
        let limit = PageLimit { messages: 1000, bytes: usize::MAX };
        let page = self.writer.handle.with(|db| read_page(db, "c", 0, limit)).expect("it is open").unwrap();
        let messages = page.map(|page| page.messages).unwrap_or_default();
        messages.into_iter().map(|message| (message.offset, message.data.to_string())).collect()
    }

    fn recover(&mut self) {
        for _ in 0..3 {
            self.writer.retry();
        }
        assert!(self.writer.outage.is_none());
        assert_eq!(*self.writer.handle.health().borrow(), Health::Ok);
    }
}

#[test]
fn a_fault_at_any_moment_loses_nothing_acknowledged() {
    let mut stored_though_refused = 0;
    for fault_at in 0.. {
        let mut world = World::new();
        let mut acknowledged = vec![(world.publish(1).unwrap().offset, "1".to_owned())];
        world.faults.until_fault.store(fault_at, Ordering::Relaxed);
        for i in 2..=3 {
            match world.publish(i) {
                Ok(Appended { offset, .. }) => acknowledged.push((offset, i.to_string())),
                Err(e) => {
                    assert!(e.is_unavailable(), "{e}");
                    assert_ne!(*world.writer.handle.health().borrow(), Health::Ok);
                }
            }
        }
        if world.faults.until_fault.swap(NEVER, Ordering::Relaxed) != NEVER {
            break; // all is done before it strikes
        }
        world.recover();
        let stored = world.stored();
        assert!(
            acknowledged.iter().all(|message| stored.contains(message)),
            "{acknowledged:?} of {stored:?}"
        );
        assert_eq!(world.heard(), stored, "live is what is stored, in order");
        stored_though_refused += stored.len() - acknowledged.len();

        // Who was refused asks again, and nothing is stored twice.
        for i in 2..=4 {
            world.publish(i).unwrap();
        }
        let mut all: Vec<_> = world.stored().into_iter().map(|(_, data)| data).collect();
        all.sort();
        assert_eq!(all, ["1", "2", "3", "4"]);
    }
    assert!(stored_though_refused > 0, "no commit failed at its end");
}

#[test]
fn a_file_that_cannot_even_be_opened_is_tried_until_it_can() {
    let mut world = World::new();
    world.publish(1).unwrap();
    world.faults.full.store(true, Ordering::Relaxed);
    for i in 2..=3 {
        assert!(world.publish(i).is_err_and(|e| e.is_unavailable()));
        world.writer.retry();
        assert!(!world.writer.handle.is_open());
        let health = world.writer.handle.health().borrow().clone();
        assert!(matches!(health, Health::Degraded(why) if why.contains("cannot open the store")));
    }
    world.faults.full.store(false, Ordering::Relaxed);
    world.recover();
    assert_eq!(world.publish(2).unwrap().offset, 2);
    assert_eq!(world.heard(), world.stored());
}
