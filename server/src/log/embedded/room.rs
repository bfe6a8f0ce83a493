//! Whether there is room again for what could not be stored.
//!
//! A small commit proves little: it may fit into pages that are free inside the file, where the next publication does
//! not. So something of the size that failed is stored, and removed again, and its pages are free for publications.

use redb::{Database, TableDefinition};

use super::store::begin_write;

/// Something to fill the room with. It is here only while this is being found out.
const ROOM: TableDefinition<u64, &[u8]> = TableDefinition::new("room");
/// So much more than failed must fit, lest the log be full again at once: about 1 MB …
const SPARE_PIECES: usize = 17;
/// … in pieces that fit into a page of 64 KB.
const PIECE_BYTES: usize = 60 * 1024;

/// Fails if payloads of these sizes cannot be stored.
pub(super) fn prove(db: &Database, sizes: &[usize]) -> Result<(), redb::Error> {
    let spare = std::iter::repeat_n(PIECE_BYTES, SPARE_PIECES);
    let txn = begin_write(db)?;
    {
        let mut room = txn.open_table(ROOM)?;
        for (number, size) in (0..).zip(sizes.iter().copied().chain(spare)) {
            room.insert(number, vec![0; size].as_slice())?;
        }
    }
    txn.commit()?;
    // A crash before this leaves the table behind; the next proof removes it.
    let txn = begin_write(db)?;
    txn.delete_table(ROOM)?;
    txn.commit()?;
    Ok(())
}
