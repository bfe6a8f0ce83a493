//! The journal: a file of fixed size with the newest commits, so that a group of publications costs one write and one
//! flush.
//!
//! A durable commit of redb writes every page it has changed, in many places, and flushes twice. So most groups are
//! written here, and committed to redb in memory only. After a while redb commits durably, with everything since the
//! last time; then the journal starts over at its beginning. After a crash, its records are applied again.
//!
//! A record begins at a page, so that no write touches an earlier record. It has the number of its commit, and a
//! checksum with a secret salt, so that no payload can look like a record. The first page has the salt. Records that
//! are older than the store's own commit are from before the last start over. A record that is damaged or torn ends
//! the journal; if a newer one follows it, or the [count of commits](super::commits) is higher, messages are lost, and
//! the store is refused.

use std::io;

use redb::StorageBackend;
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub(in crate::log) const FILE_NAME: &str = "seamline.journal";

const PAGE_BYTES: usize = 4096;
/// Also limits how much is applied after a crash.
const FILE_BYTES: usize = 4 * 1024 * 1024;
const MAGIC: &[u8; 16] = b"seamline.journal";
/// Checksum, number of the commit, length.
const HEADER_BYTES: usize = 24;

/// See the module.
pub(in crate::log) struct Journal {
    file: Box<dyn StorageBackend>,
    salt: u64,
    /// Where the next record begins.
    end: usize,
    /// The bytes of the record that was written there and not flushed.
    written: usize,
}

/// Why the journal cannot be used.
pub(in crate::log) enum JournalError {
    Io(io::Error),
    /// It has this commit, but not all commits before it.
    Incomplete(u64),
}

/// A group that the journal has and the store has not.
pub(in crate::log) struct Record {
    pub number: u64,
    pub bytes: Vec<u8>,
}

impl Journal {
    /// Opens the journal of a store whose newest commit is given. Also returns the records that are newer.
    pub fn open(
        file: Box<dyn StorageBackend>,
        committed: u64,
    ) -> Result<(Journal, Vec<Record>), JournalError> {
        let content = read(&*file).map_err(JournalError::Io)?;
        let (magic, salt) = (&content[..MAGIC.len()], number(&content[MAGIC.len()..]));
        let mut journal = Journal { file, salt, end: PAGE_BYTES, written: 0 };
        if magic != MAGIC {
            journal.initialize().map_err(JournalError::Io)?;
        } else if journal.file.len().map_err(JournalError::Io)? < FILE_BYTES as u64 {
            journal.file.set_len(FILE_BYTES as u64).map_err(JournalError::Io)?; // it was truncated
        }
        let records = journal.newer(&content, committed)?;
        if !records.is_empty() {
            journal.store_again(&content).map_err(JournalError::Io)?;
        }
        Ok((journal, records))
    }

    /// Writes the records once more, each where it is, and flushes them. A record may have been read from the kernel's
    /// cache alone: the process was killed before the flush, or the flush failed, after which the kernel takes the
    /// pages for written (<https://lwn.net/Articles/752063/>).
    fn store_again(&self, content: &[u8]) -> io::Result<()> {
        self.file.write(PAGE_BYTES as u64, &content[PAGE_BYTES..self.end])?;
        self.file.sync_data()
    }

    /// Writes zeros to the whole file, so that later writes change neither its length nor its extents: that would cost
    /// another flush each time. Page by page, because the kernel caches the file in pieces as large as these writes.
    fn initialize(&mut self) -> io::Result<()> {
        self.salt = crate::random::bits();
        let mut page = [0; PAGE_BYTES];
        for at in (PAGE_BYTES..FILE_BYTES).step_by(PAGE_BYTES) {
            self.file.write(at as u64, &page)?;
        }
        page[..MAGIC.len()].copy_from_slice(MAGIC);
        page[MAGIC.len()..][..8].copy_from_slice(&self.salt.to_le_bytes());
        self.file.write(0, &page)?;
        self.file.sync_data()
    }

    /// The records at the beginning of the file follow each other. The first ones may be in the store already.
    fn newer(&mut self, content: &[u8], committed: u64) -> Result<Vec<Record>, JournalError> {
        let mut records: Vec<Record> = Vec::new();
        let (mut at, mut previous, mut newest) = (PAGE_BYTES, None, committed);
        while let Some(record) = self.record(content, at).filter(|record| record.number <= newest + 1) {
            if previous.is_some_and(|previous| record.number != previous + 1) {
                break; // from before the last start over
            }
            at += record_bytes(record.bytes.len());
            previous = Some(record.number);
            if record.number > committed {
                (newest, self.end) = (record.number, at);
                records.push(record);
            }
        }
        let rest = (self.end..content.len()).step_by(PAGE_BYTES);
        match rest.filter_map(|at| self.record(content, at)).find(|record| record.number > newest) {
            Some(record) => Err(JournalError::Incomplete(record.number)),
            None => Ok(records),
        }
    }

    /// The record at this byte, if there is one.
    fn record(&self, content: &[u8], at: usize) -> Option<Record> {
        let header = content.get(at..at + HEADER_BYTES)?;
        let (checksum, length) = (number(header), usize::try_from(number(&header[16..])).ok()?);
        let end = (at + HEADER_BYTES).checked_add(length)?;
        let checked = content.get(at + 8..end)?;
        let valid = length > 0 && checksum == xxh3_64_with_seed(checked, self.salt);
        valid.then(|| Record { number: number(checked), bytes: checked[16..].to_vec() })
    }

    /// Whether a record of this length fits into the rest of the file.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.end + record_bytes(bytes) <= FILE_BYTES
    }

    /// Writes the group of the next commit, without waiting for the disk. A second one before the flush replaces it.
    pub fn write(&mut self, number: u64, bytes: &[u8]) -> io::Result<()> {
        let mut record = Vec::with_capacity(record_bytes(bytes.len()));
        record.extend([0; 8]);
        record.extend(number.to_le_bytes());
        record.extend((bytes.len() as u64).to_le_bytes());
        record.extend(bytes);
        let checksum = xxh3_64_with_seed(&record[8..], self.salt);
        record[..8].copy_from_slice(&checksum.to_le_bytes());
        record.resize(record_bytes(bytes.len()), 0);
        self.file.write(self.end as u64, &record)?;
        self.written = record.len();
        Ok(())
    }

    /// Flushes what was written. If this fails, the file has to be opened again: whether the record is there is
    /// unknown.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.end += std::mem::take(&mut self.written);
        Ok(())
    }

    /// Takes back what was written and not flushed.
    pub fn retract(&mut self) -> io::Result<()> {
        if self.written > 0 {
            self.file.write(self.end as u64, &[0; PAGE_BYTES])?;
            self.file.sync_data()?;
            self.written = 0;
        }
        Ok(())
    }

    /// Whether it has something that the store may not have.
    #[cfg(test)]
    pub fn has_records(&self) -> bool {
        self.end > PAGE_BYTES
    }

    /// Starts over at the beginning. The store must have all commits on disk.
    pub fn start_over(&mut self) {
        (self.end, self.written) = (PAGE_BYTES, 0);
    }
}

/// The whole file. What is missing is zero.
fn read(file: &dyn StorageBackend) -> io::Result<Vec<u8>> {
    let mut content = vec![0; FILE_BYTES];
    let length = usize::try_from(file.len()?).map_or(FILE_BYTES, |length| length.min(FILE_BYTES));
    file.read(0, &mut content[..length])?;
    Ok(content)
}

/// The bytes of the file that a record takes.
fn record_bytes(length: usize) -> usize {
    (HEADER_BYTES + length).next_multiple_of(PAGE_BYTES)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::backends::InMemoryBackend;
    use std::sync::{Arc, Mutex};

    /// A file that is still there after the journal is gone.
    #[derive(Clone, Debug)]
    struct Shared(Arc<InMemoryBackend>, Arc<Mutex<Disk>>);

    /// What is left of the file when the machine crashes.
    #[derive(Debug, Default)]
    struct Disk {
        content: Vec<u8>,
        unflushed: Vec<(usize, Vec<u8>)>,
        fails: bool,
    }

    impl Disk {
        /// As Linux does it: a failed flush is reported once, and the pages count as written from then on.
        fn flush(&mut self) -> io::Result<()> {
            let unflushed = std::mem::take(&mut self.unflushed);
            if self.fails {
                return Err(io::Error::other("injected"));
            }
            for (at, data) in unflushed {
                let end = at + data.len();
                self.content.resize(self.content.len().max(end), 0);
                self.content[at..end].copy_from_slice(&data);
            }
            Ok(())
        }
    }

    impl StorageBackend for Shared {
        fn len(&self) -> io::Result<u64> {
            self.0.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.0.read(offset, out)
        }
        fn set_len(&self, len: u64) -> io::Result<()> {
            self.0.set_len(len)
        }
        fn sync_data(&self) -> io::Result<()> {
            self.1.lock().unwrap().flush()
        }
        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            if self.0.len()? < offset + data.len() as u64 {
                self.0.set_len(offset + data.len() as u64)?;
            }
            self.1.lock().unwrap().unflushed.push((offset as usize, data.to_vec()));
            self.0.write(offset, data)
        }
    }

    fn file() -> Shared {
        Shared(Arc::new(InMemoryBackend::new()), Arc::default())
    }

    /// The file as it is after a crash of the machine.
    fn crashed(file: &Shared) -> Shared {
        let after = self::file();
        after.write(0, &file.1.lock().unwrap().content).unwrap();
        after
    }

    fn open(file: &Shared, committed: u64) -> Result<(Journal, Vec<Record>), u64> {
        Journal::open(Box::new(file.clone()), committed).map_err(|e| match e {
            JournalError::Io(e) => panic!("{e}"),
            JournalError::Incomplete(number) => number,
        })
    }

    fn numbers(file: &Shared, committed: u64) -> Result<Vec<u64>, u64> {
        open(file, committed).map(|(_, records)| records.iter().map(|record| record.number).collect())
    }

    impl Journal {
        fn append(&mut self, number: u64, bytes: &[u8]) -> io::Result<()> {
            self.write(number, bytes)?;
            self.flush()
        }
    }

    /// Flips a bit.
    fn flip(file: &Shared, at: usize) {
        let mut byte = [0];
        file.read(at as u64, &mut byte).unwrap();
        file.write(at as u64, &[byte[0] ^ 1]).unwrap();
    }

    #[test]
    fn records_are_read_in_order_and_continued() {
        let file = file();
        let (mut journal, records) = open(&file, 0).unwrap();
        assert!(records.is_empty());
        journal.append(1, b"one").unwrap();
        journal.append(2, &[7; 10_000]).unwrap();
        let (mut journal, records) = open(&file, 0).unwrap();
        assert_eq!(records[0].bytes, b"one");
        assert_eq!(records[1].bytes, [7; 10_000]);
        journal.append(3, b"three").unwrap();
        assert_eq!(numbers(&file, 0), Ok(vec![1, 2, 3]));
    }

    #[test]
    fn records_before_the_start_over_are_ignored() {
        let file = file();
        let (mut journal, _) = open(&file, 0).unwrap();
        (1..=3).for_each(|number| journal.append(number, b"old").unwrap());
        assert_eq!(numbers(&file, 4), Ok(vec![]), "4 is in the store");
        journal.start_over();
        journal.append(5, b"new").unwrap();
        assert_eq!(numbers(&file, 4), Ok(vec![5]));
        assert_eq!(numbers(&file, 3), Err(5), "4 is missing");
    }

    /// When the store is closed, its own file is written, and the journal does not start over.
    #[test]
    fn records_that_the_store_has_are_skipped() {
        let file = file();
        let (mut journal, _) = open(&file, 0).unwrap();
        (1..=4).for_each(|number| journal.append(number, b"all").unwrap());
        assert_eq!(numbers(&file, 2), Ok(vec![3, 4]));
        let (mut journal, _) = open(&file, 2).unwrap();
        journal.append(5, b"new").unwrap();
        assert_eq!(numbers(&file, 2), Ok(vec![3, 4, 5]));
        assert_eq!(numbers(&file, 5), Ok(vec![]));
        assert_eq!(open(&file, 5).unwrap().0.end, PAGE_BYTES);
    }

    #[test]
    fn a_damaged_record_is_the_end_or_an_error() {
        for at in [0, 8, 16, HEADER_BYTES, HEADER_BYTES + 2] {
            let file = file();
            let (mut journal, _) = open(&file, 0).unwrap();
            (1..=3).for_each(|number| journal.append(number, b"all").unwrap());
            flip(&file, 3 * PAGE_BYTES + at);
            assert_eq!(numbers(&file, 0), Ok(vec![1, 2]), "as if the write had been torn");
            flip(&file, 2 * PAGE_BYTES + at);
            flip(&file, 3 * PAGE_BYTES + at);
            assert_eq!(numbers(&file, 0), Err(3), "2 is damaged, 3 is there");
        }
    }

    #[test]
    fn a_truncated_journal_ends_earlier() {
        let file = file();
        let (mut journal, _) = open(&file, 0).unwrap();
        journal.append(1, b"one").unwrap();
        journal.append(2, &[7; 10_000]).unwrap();
        file.set_len(2 * PAGE_BYTES as u64 + 9_000).unwrap();
        assert_eq!(numbers(&file, 0), Ok(vec![1]));
        assert_eq!(file.len().unwrap(), FILE_BYTES as u64);
        file.set_len(10).unwrap();
        assert_eq!(numbers(&file, 0), Ok(vec![]));
        assert_eq!(file.len().unwrap(), FILE_BYTES as u64, "it is a new one");
    }

    #[test]
    fn a_payload_cannot_look_like_a_record() {
        let other = file();
        let (mut journal, _) = open(&other, 0).unwrap();
        journal.append(2, b"forged").unwrap();
        let mut page = vec![0; PAGE_BYTES];
        other.read(PAGE_BYTES as u64, &mut page).unwrap();

        let file = file();
        let (mut journal, _) = open(&file, 0).unwrap();
        let mut payload = vec![0; PAGE_BYTES - HEADER_BYTES];
        payload.extend(page);
        journal.append(1, &payload).unwrap();
        journal.start_over();
        journal.append(1, b"short").unwrap(); // the forged record follows it
        assert_eq!(numbers(&file, 0), Ok(vec![1]));
    }

    #[test]
    fn records_are_on_disk_before_they_are_read() {
        let file = file();
        let (mut journal, _) = open(&file, 0).unwrap();
        journal.append(1, b"flushed").unwrap();
        file.1.lock().unwrap().fails = true;
        assert!(journal.append(2, b"unflushed").is_err());
        assert!(Journal::open(Box::new(file.clone()), 0).is_err(), "it still fails");
        file.1.lock().unwrap().fails = false;
        assert_eq!(numbers(&crashed(&file), 0), Ok(vec![1]));
        assert_eq!(numbers(&file, 0), Ok(vec![1, 2]));
        assert_eq!(numbers(&crashed(&file), 0), Ok(vec![1, 2]));
    }

    #[test]
    fn a_record_is_taken_back_or_replaced_until_it_is_flushed() {
        let file = file();
        let (mut journal, _) = open(&file, 0).unwrap();
        journal.append(1, b"one").unwrap();
        journal.write(2, &[7; 10_000]).unwrap();
        assert_eq!(numbers(&file, 0), Ok(vec![1, 2]), "after a crash of the process alone");
        journal.retract().unwrap();
        assert_eq!((numbers(&file, 0), numbers(&crashed(&file), 0)), (Ok(vec![1]), Ok(vec![1])));
        journal.write(2, &[8; 10_000]).unwrap();
        journal.write(2, b"two").unwrap();
        journal.flush().unwrap();
        assert_eq!(open(&file, 0).unwrap().1[1].bytes, b"two");
        journal.retract().unwrap();
        assert_eq!(numbers(&crashed(&file), 0), Ok(vec![1, 2]));
    }

    #[test]
    fn a_full_journal_has_no_room() {
        let (mut journal, _) = open(&file(), 0).unwrap();
        let half = FILE_BYTES / 2;
        assert!(journal.has_room(half));
        journal.append(1, &vec![1; half]).unwrap();
        assert!(!journal.has_room(half));
        journal.start_over();
        assert!(journal.has_room(half));
        assert!(!journal.has_room(FILE_BYTES));
    }
}
