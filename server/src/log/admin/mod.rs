//! `seamline-server log`: commands for the embedded store, whether or not a server is using it.
//!
//! A server that is using the store runs them itself: see [`socket`]. Otherwise this process opens the store.

mod error;
mod export;
mod import;
mod lines;
mod problems;
mod salvage;
pub mod socket;
mod verify;

use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use redb::{AccessGuard, ReadTransaction, ReadableDatabase, ReadableTable, StorageError};
use serde_json::json;
use tokio::runtime::{Builder, Handle};

pub use self::error::{AdminError, ImportError};
use super::embedded::EmbeddedStore;
use super::embedded::schema::{CHANNELS, Channel, MESSAGES};
use super::embedded::store::{must_exist, open_existing, open_unverified};
use super::hub::Hub;
use super::{ChannelInfo, Retention, Store};
use crate::cli::{ChangeCommand, LogArgs, LogCommand, ReadCommand, StoreCommand};

/// Runs a command. Its result goes to standard output.
pub fn run(args: &LogArgs) -> Result<(), AdminError> {
    let mut out = BufWriter::new(io::stdout().lock());
    let done = run_with(args, &mut out);
    let flushed = out.flush().map_err(AdminError::Output);
    done.and(flushed)
}

fn run_with(args: &LogArgs, out: &mut impl Write) -> Result<(), AdminError> {
    let LogArgs { data, trust_store, command, .. } = args;
    let command = match command {
        LogCommand::Import { new_epoch } => {
            return import::import(data, *trust_store, BufReader::new(io::stdin().lock()), *new_epoch, out);
        }
        LogCommand::Store(command) => command,
    };
    if let Some(done) = socket::ask(data, command, *trust_store, out) {
        return done;
    }
    match command {
        StoreCommand::Read(command) => {
            let salvages =
                *trust_store && matches!(command, ReadCommand::Verify | ReadCommand::Export { .. });
            if !salvages {
                return read(command, &open_existing(data, *trust_store)?.begin_read()?, None, out);
            }
            let (db, problems) = open_unverified(data)?;
            std::panic::set_hook(Box::new(|_| {})); // what damaged bytes cause is reported in our words
            read(command, &db.begin_read()?, Some(problems), out)
        }
        StoreCommand::Change(command) => {
            must_exist(data)?;
            with_store(data, *trust_store, |store, runtime| change(command, store, runtime, out))
        }
    }
}

/// Opens a store that exists, without dropping what is past a retention: it is the server's to decide.
fn with_store(
    directory: &Path,
    trusted: bool,
    work: impl FnOnce(&EmbeddedStore, &Handle) -> Result<(), AdminError>,
) -> Result<(), AdminError> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(AdminError::Threads)?;
    let _entered = runtime.enter();
    let hub = Arc::new(Hub::new(0));
    let store = EmbeddedStore::open(directory, trusted, Retention::UNLIMITED, hub)?;
    let done = work(&store, runtime.handle());
    runtime.block_on(async {
        let trimmed = store.trim().await.map_err(AdminError::Change);
        store.close().await;
        done.and(trimmed)
    })
}

/// Runs a command on the store that a server has open, on a thread that may block.
fn execute(
    command: &StoreCommand,
    store: &EmbeddedStore,
    runtime: &Handle,
    trusted: bool,
    out: &mut impl Write,
) -> Result<(), AdminError> {
    match command {
        StoreCommand::Read(command) => read(command, &store.snapshot()?, trusted.then(Vec::new), out),
        StoreCommand::Change(command) => change(command, store, runtime, out),
    }
}

fn change(
    command: &ChangeCommand,
    store: &EmbeddedStore,
    runtime: &Handle,
    out: &mut impl Write,
) -> Result<(), AdminError> {
    let done = match command {
        ChangeCommand::Delete { ch } => {
            let existed = runtime.block_on(store.delete(ch)).map_err(AdminError::Change)?;
            existed.then(|| format!("deleted channel {ch:?}")).ok_or(ch)
        }
        ChangeCommand::Trim { ch, offset } => {
            let trimmed = runtime.block_on(store.trim_channel(ch, *offset)).map_err(AdminError::Change)?;
            let show = |info: ChannelInfo| {
                format!("trimmed channel {ch:?}: first {}, head {}", info.first, info.head)
            };
            trimmed.map(show).ok_or(ch)
        }
    };
    let done = done.map_err(|ch| AdminError::NoChannel(ch.clone()))?;
    writeln!(out, "{done}").map_err(AdminError::Output)
}

/// Runs a command that changes nothing, on a snapshot. `damaged` has the known problems of a store to salvage.
fn read(
    command: &ReadCommand,
    txn: &ReadTransaction,
    damaged: Option<Vec<String>>,
    out: &mut impl Write,
) -> Result<(), AdminError> {
    match (command, damaged) {
        (ReadCommand::List, _) => list(txn, out),
        (ReadCommand::Head { ch }, _) => head(txn, ch, out),
        (ReadCommand::Tail { ch, n }, _) => tail(txn, ch, *n, out),
        (ReadCommand::Verify, None) => verify::verify(txn, out),
        (ReadCommand::Verify, Some(known)) => verify::verify_unverified(txn, known, out),
        (ReadCommand::Export { ch }, None) => export::export(txn, ch, out),
        (ReadCommand::Export { ch }, Some(known)) => export::salvage(txn, ch, known, out),
    }
}

/// All channels, sorted by name.
fn all_channels(txn: &ReadTransaction) -> Result<Vec<(String, Channel)>, AdminError> {
    let table = txn.open_table(CHANNELS)?;
    let channel = |row: Result<(AccessGuard<'_, _>, AccessGuard<'_, _>), _>| {
        row.map(|(name, row)| (AccessGuard::<&str>::value(&name).to_owned(), Channel::from_row(row.value())))
    };
    Ok(table.iter()?.map(channel).collect::<Result<_, StorageError>>()?)
}

fn channel(txn: &ReadTransaction, name: &str) -> Result<Channel, AdminError> {
    Channel::load(&txn.open_table(CHANNELS)?, name)?.ok_or_else(|| AdminError::NoChannel(name.to_owned()))
}

fn list(txn: &ReadTransaction, out: &mut impl Write) -> Result<(), AdminError> {
    for (name, channel) in all_channels(txn)? {
        let Channel { epoch, first, head, last_id, .. } = channel;
        let name = serde_json::Value::from(name);
        writeln!(out, "{name}\tepoch {epoch}\tfirst {first}\thead {head}\tlast id {last_id}")
            .map_err(AdminError::Output)?;
    }
    Ok(())
}

fn head(txn: &ReadTransaction, ch: &str, out: &mut impl Write) -> Result<(), AdminError> {
    let Channel { epoch, first, head, last_id, .. } = channel(txn, ch)?;
    let shown = json!({"epoch": epoch, "first": first, "head": head, "last_id": last_id.to_string()});
    writeln!(out, "{shown}").map_err(AdminError::Output)
}

fn tail(txn: &ReadTransaction, ch: &str, n: u64, out: &mut impl Write) -> Result<(), AdminError> {
    let Channel { number, head, .. } = channel(txn, ch)?;
    if n == 0 {
        return Ok(());
    }
    let table = txn.open_table(MESSAGES)?;
    let from = head.saturating_sub(n).saturating_add(1);
    for row in table.range((number, from)..=(number, head))? {
        let (key, value) = row?;
        let (ms, seq, data) = value.value();
        let offset = key.value().1;
        writeln!(out, r#"{{"offset":{offset},"id":"{ms}-{seq}","data":{data}}}"#)
            .map_err(AdminError::Output)?;
    }
    Ok(())
}
