//! Tests of the steps in which a sweep drops what has expired: how much each does, and that a crash between any two
//! of them changes nothing. And of what a reader finds after an answer.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use redb::{Key, ReadableDatabase, ReadableTable, TableDefinition, Value};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{Answer, Budget, Command, Writer, take_group};
use crate::log::embedded::handle::Handle;
use crate::log::embedded::removal::deleted_channel;
use crate::log::embedded::schema::{
    CHANNELS, DELETED, KEY_ORDER, KEYS, MESSAGES, META, POSITIONS, PositionRow, PositionRowKey,
};
use crate::log::embedded::store::{self, OpenStore, begin_write};
use crate::log::embedded::sweep::{expired_channels, expired_positions};
use crate::log::embedded::trim::{Expired, PositionName, STEP_ROWS_MAX, Step};
use crate::log::hub::Hub;
use crate::log::{Append, Appended, Retention, StoreError};

struct World {
    writer: Writer,
    directory: TempDir,
}

impl World {
    fn new() -> World {
        let directory = TempDir::new().unwrap();
        let OpenStore { db, journal, commits, committed } = store::open(directory.path(), true).unwrap();
        let writer = Writer {
            handle: Arc::new(Handle::new(db)),
            open_file: Box::new(|_| panic!("nothing fails")),
            journal,
            budget: Budget::default(),
            commits,
            committed,
            hub: Arc::new(Hub::new(usize::MAX)),
            retention: Retention::default(),
            outage: None,
        };
        World { writer, directory }
    }

    fn run<T>(&mut self, command: impl FnOnce(Answer<T>) -> Command) -> Result<T, StoreError> {
        let (answer, mut receiver) = oneshot::channel();
        self.writer.commit(vec![command(answer)]);
        receiver.try_recv().expect("an answer")
    }

    fn publish(&mut self, ch: &str, i: u64) -> Appended {
        self.run(|answer| Command::Append(append(ch, i), answer)).unwrap()
    }

    /// What a sweep would drop next.
    fn expired(&self) -> Option<Expired> {
        let retention = self.writer.retention;
        let find = |db: &_| {
            if let Some(number) = deleted_channel(db).unwrap() {
                return Some(Expired::Deleted(number));
            }
            let channels = expired_channels(db, retention, "").unwrap().expired;
            if !channels.is_empty() {
                return Some(Expired::Channels(channels.into_iter().map(|(_, name)| name).collect()));
            }
            let positions = expired_positions(db, &PositionName::default()).unwrap().expired;
            (!positions.is_empty()).then_some(Expired::Positions(positions))
        };
        self.writer.handle.with(find).unwrap()
    }

    fn rows(&self) -> Vec<String> {
        self.writer.handle.with(rows).unwrap()
    }

    /// The rows after a crash at this moment.
    fn rows_after_a_crash(&self) -> Vec<String> {
        let copy = TempDir::new().unwrap();
        for name in ["seamline.redb", "seamline.journal", "seamline.commits"] {
            std::fs::copy(self.directory.path().join(name), copy.path().join(name)).unwrap();
        }
        rows(&store::open(copy.path(), false).unwrap().db)
    }

    /// Stores a client's position that is too old.
    fn insert_old_position(&self, client: &str) {
        let insert = |db: &_| {
            let txn = begin_write(db).unwrap();
            let key: (&str, &str, &str) = ("ada", client, "c");
            txn.open_table(POSITIONS).unwrap().insert(key, ("e", 1, None, 0)).unwrap();
            txn.commit().unwrap();
        };
        self.writer.handle.with(insert).unwrap();
    }
}

fn append(ch: &str, i: u64) -> Append {
    let (key, data) = (Some(format!("{ch}-{i}")), i.to_string().into());
    Append { ch: ch.into(), key, data, trace: Default::default() }
}

/// All rows of all tables.
fn rows(db: &impl ReadableDatabase) -> Vec<String> {
    fn of<K: Key + 'static, V: Value + 'static>(
        db: &impl ReadableDatabase,
        table: TableDefinition<'_, K, V>,
    ) -> Vec<String>
    where
        for<'a> K::SelfType<'a>: Debug,
        for<'a> V::SelfType<'a>: Debug,
    {
        let Ok(open) = db.begin_read().unwrap().open_table(table) else { return Vec::new() };
        let rows = open.iter().unwrap().map(Result::unwrap);
        rows.map(|(key, value)| format!("{table}: {:?} {:?}", key.value(), value.value())).collect()
    }
    let positions: TableDefinition<'_, PositionRowKey, PositionRow> = POSITIONS;
    let tables = [of(db, META), of(db, CHANNELS), of(db, MESSAGES), of(db, KEYS), of(db, KEY_ORDER)];
    [tables.concat(), of(db, DELETED), of(db, positions)].concat()
}

#[test]
fn a_crash_between_two_steps_changes_nothing() {
    let mut world = World::new();
    for i in 0..500 {
        world.publish(&format!("c{:02}", i % 80), i);
    }
    (0..10).for_each(|i| world.insert_old_position(&i.to_string()));
    // In quotes: an epoch is random, and may contain these letters.
    let has_positions = |world: &World| world.rows().iter().any(|row| row.contains("\"ada\""));
    assert!(has_positions(&world));
    for ch in ["c07", "c70"] {
        assert!(world.run(|answer| Command::Delete(ch.into(), answer)).unwrap());
    }
    world.writer.retention = Retention { messages: 1, age: None, keys: Duration::ZERO };
    let (mut steps, mut journaled, mut live) = (0, 0, 0);
    while let Some(expired) = world.expired() {
        let before = world.rows();
        let step = Step { expired, rows_max: STEP_ROWS_MAX };
        world.run(|answer| Command::Trim(step, answer)).unwrap();
        let after = world.rows();
        let gone = before.iter().filter(|row| !after.contains(row)).count();
        // A key has two rows. The rows of its channels, and the count of commits, change.
        assert!((1..=2 * STEP_ROWS_MAX + 65).contains(&gone), "{gone} rows");
        assert_eq!(world.rows_after_a_crash(), after, "step {steps}");
        live += 1;
        assert_eq!(world.publish("live", live).offset, live, "publications go on");
        assert_eq!(world.rows_after_a_crash(), world.rows(), "after step {steps}");
        steps += 1;
        journaled += usize::from(world.writer.journal.has_records());
    }
    assert!(steps > 6 && journaled > 1, "{steps} steps, {journaled} of them in the journal");
    assert!(!has_positions(&world));
}

/// Reads when it is woken, as a client may whose publication has just been answered.
struct Reader {
    handle: Arc<Handle>,
    found: mpsc::Sender<Vec<String>>,
}

impl Wake for Reader {
    fn wake(self: Arc<Self>) {
        thread::spawn(move || self.found.send(self.handle.with(rows).unwrap()));
        // The writer goes on when this returns. Time enough for the read, if it did not have to wait.
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_read_after_an_answer_finds_the_message() {
    let mut world = World::new();
    world.publish("c", 1);
    let (found, read) = mpsc::channel();
    let reader = Waker::from(Arc::new(Reader { handle: world.writer.handle.clone(), found }));
    let (answer, mut answered) = oneshot::channel();
    assert!(Pin::new(&mut answered).poll(&mut Context::from_waker(&reader)).is_pending());
    world.writer.commit(vec![Command::Append(append("c", 2), answer)]);
    assert_eq!(answered.try_recv().unwrap().unwrap().offset, 2);
    assert!(world.writer.journal.has_records(), "only in memory");
    assert_eq!(read.recv().unwrap(), world.rows());
}

#[test]
fn a_group_has_at_most_one_step() {
    let (sender, mut queue) = tokio::sync::mpsc::channel(8);
    let step = || Step { expired: Expired::Deleted(1), rows_max: STEP_ROWS_MAX };
    for _ in 0..2 {
        let append = Append { ch: "c".into(), key: None, data: "1".into(), trace: Default::default() };
        sender.try_send(Command::Append(append, oneshot::channel().0)).unwrap();
        sender.try_send(Command::Trim(step(), oneshot::channel().0)).unwrap();
    }
    for _ in 0..2 {
        let first = queue.try_recv().unwrap();
        let (group, _) = take_group(first, &mut queue);
        assert!(matches!(group[..], [Command::Append(..), Command::Trim(..)]));
    }
    assert!(queue.try_recv().is_err());
}

/// What a commit of the store's own file writes is bounded, too.
#[test]
fn the_store_is_committed_after_a_bounded_number_of_dropped_rows() {
    let mut budget = Budget::default();
    let mut steps = 0;
    while budget.allows(1000, 1, 2 * STEP_ROWS_MAX) {
        budget.spend(1000, 1, 2 * STEP_ROWS_MAX);
        steps += 1;
    }
    assert!((1..=4).contains(&steps), "{steps}");
}
