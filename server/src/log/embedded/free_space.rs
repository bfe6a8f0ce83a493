//! Checks whether the store has space again for what could not be written.
//!
//! A small commit proves little: it may fit into free pages inside the file that the next publication does not fit
//! into. So the check stores as much as was rejected, and removes it again, which leaves its pages free for
//! publications.

use redb::{Database, TableDefinition};

use super::store::begin_write;

/// Exists only during the check.
const FILLER: TableDefinition<u64, &[u8]> = TableDefinition::new("room");
/// About 1 MB more than what failed must fit, so that the store is not full again immediately.
const SPARE_PIECES: usize = 17;
/// Each piece fits into a page of 64 KB.
const PIECE_BYTES: usize = 60 * 1024;

/// Fails if payloads of these sizes cannot be stored.
pub(super) fn check(db: &Database, sizes: &[usize]) -> Result<(), redb::Error> {
    let spare = std::iter::repeat_n(PIECE_BYTES, SPARE_PIECES);
    let txn = begin_write(db)?;
    {
        let mut filler = txn.open_table(FILLER)?;
        for (number, size) in (0..).zip(sizes.iter().copied().chain(spare)) {
            filler.insert(number, vec![0; size].as_slice())?;
        }
    }
    txn.commit()?;
    // A crash before this leaves the table behind, and the next check removes it.
    let txn = begin_write(db)?;
    txn.delete_table(FILLER)?;
    txn.commit()?;
    Ok(())
}
