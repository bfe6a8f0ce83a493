//! What channels that were deleted have left, and the messages that a channel is trimmed of.
//!
//! A transaction that deletes a channel removes its name, and notes its number. Its messages and keys are dropped in
//! small transactions after that, because publishers wait meanwhile.

use redb::{Database, ReadableDatabase, ReadableTable, TableError, WriteTransaction};

use super::keys::Keys;
use super::schema::{DELETED, MESSAGES};
use super::trim::Dropped;

/// The number of a deleted channel that has left something.
pub(super) fn deleted_channel(db: &Database) -> Result<Option<u64>, redb::Error> {
    let table = match db.begin_read()?.open_table(DELETED) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(None), // an older server created the store
        table => table?,
    };
    Ok(table.first()?.map(|(number, _)| number.value()))
}

/// Drops what a deleted channel has left, up to a limit of rows.
pub(super) fn drop_deleted(
    txn: &WriteTransaction,
    channel: u64,
    rows_max: usize,
) -> Result<Dropped, redb::Error> {
    let mut rows = 0;
    let mut messages = txn.open_table(MESSAGES)?;
    for row in messages.extract_from_if((channel, 0)..=(channel, u64::MAX), |_, _| true)?.take(rows_max) {
        row?;
        rows += 1;
    }
    let mut keys = Keys::open(txn)?;
    while rows < rows_max && keys.drop_oldest(channel, u64::MAX, u64::MAX)? {
        rows += 1;
    }
    if rows < rows_max {
        txn.open_table(DELETED)?.remove(channel)?;
    }
    Ok(Dropped { rows, more: rows == rows_max })
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;
    use redb::{ReadableTableMetadata, TableHandle};

    use super::*;
    use crate::log::embedded::schema::{CHANNELS, KEY_ORDER, KEYS};
    use crate::log::embedded::tables::{Context, Tables};
    use crate::log::{Append, Retention};

    const ROWS_MAX: usize = 1000;

    fn append(tables: &mut Tables<'_>, ch: &str, i: u64) {
        let append =
            Append { ch: ch.into(), key: Some(i.to_string()), data: "1".into(), trace: Default::default() };
        tables.append(&append).unwrap();
    }

    #[test]
    fn a_deleted_channel_leaves_nothing_behind() {
        let db = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let context = Context { now_ms: 1, seed: 1, retention: Retention::default(), rows_max: ROWS_MAX };
        let messages = ROWS_MAX as u64 + 10;
        let txn = db.begin_write().unwrap();
        let mut tables = Tables::open(&txn, context).unwrap();
        for i in 1..=messages {
            append(&mut tables, "c", i);
        }
        append(&mut tables, "other", 1);
        // In one group: deleted, created again, and deleted again; and a channel that was not stored before.
        let first = tables.channel("c").unwrap().number;
        assert!(tables.delete("c").unwrap() && !tables.delete("c").unwrap());
        append(&mut tables, "c", 1);
        assert!(tables.channel("c").unwrap().number != first && tables.channel("c").unwrap().head == 1);
        assert!(tables.delete("c").unwrap());
        tables.finish().unwrap();
        txn.commit().unwrap();

        let (mut rounds, mut numbers) = (0, Vec::new());
        while let Some(number) = deleted_channel(&db).unwrap() {
            let txn = db.begin_write().unwrap();
            let Dropped { rows, more } = drop_deleted(&txn, number, ROWS_MAX).unwrap();
            txn.commit().unwrap();
            assert!(rows <= ROWS_MAX);
            (rounds, numbers) = (rounds + 1, if more { numbers } else { [numbers, vec![number]].concat() });
            assert!(rounds < 10);
        }
        assert_eq!((numbers.len(), numbers[0], rounds), (2, first, 4), "in small transactions");
        let txn = db.begin_read().unwrap();
        assert!(txn.open_table(CHANNELS).unwrap().get("c").unwrap().is_none());
        let left = |table: u64, handle: &dyn TableHandle| assert_eq!(table, 1, "{}", handle.name());
        left(txn.open_table(MESSAGES).unwrap().len().unwrap(), &MESSAGES);
        left(txn.open_table(KEYS).unwrap().len().unwrap(), &KEYS);
        left(txn.open_table(KEY_ORDER).unwrap().len().unwrap(), &KEY_ORDER);
    }
}
