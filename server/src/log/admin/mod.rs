//! Looking into an embedded log that no server is using: `seamline-server log`.

mod export;
mod import;
mod lines;
mod verify;

use std::io::{self, BufReader, BufWriter, Write};

use redb::{Database, ReadableDatabase, ReadableTable};
use serde_json::json;

use super::embedded::schema::{CHANNELS, Channel, MESSAGES};
use super::embedded::store::open_existing;
use crate::cli::{LogArgs, LogCommand};

/// Why a command could not be carried out, as a sentence.
pub type Problem = String;

/// Runs a command. What it finds goes to standard output.
pub fn run(args: &LogArgs) -> Result<(), Problem> {
    let db = open_existing(&args.data).map_err(|e| e.to_string())?;
    let mut out = BufWriter::new(io::stdout().lock());
    let done = match &args.what {
        LogCommand::List => list(&db, &mut out),
        LogCommand::Head { ch } => head(&db, ch, &mut out),
        LogCommand::Tail { ch, n } => tail(&db, ch, *n, &mut out),
        LogCommand::Verify => verify::verify(&db, &mut out),
        LogCommand::Export { ch } => export::export(&db, ch, &mut out),
        LogCommand::Import { new_epoch } => {
            import::import(&db, &args.data, BufReader::new(io::stdin().lock()), *new_epoch, &mut out)
        }
    };
    let flushed = out.flush().map_err(cannot_write);
    done.and(flushed)
}

/// Any of the store's errors.
fn store(e: impl Into<redb::Error>) -> Problem {
    format!("the store cannot be read: {}", e.into())
}

fn cannot_write(e: io::Error) -> Problem {
    format!("cannot write the output: {e}")
}

/// The channels by name, all or those that are asked for.
fn channels(db: &Database, names: &[String]) -> Result<Vec<(String, Channel)>, Problem> {
    let txn = db.begin_read().map_err(store)?;
    let table = txn.open_table(CHANNELS).map_err(store)?;
    if names.is_empty() {
        let all = table.iter().map_err(store)?.map(|row| row.map(|(name, _)| name.value().to_owned()));
        let names = all.collect::<Result<Vec<_>, _>>().map_err(store)?;
        // Nothing at all is no reason to begin again with nothing.
        return if names.is_empty() { Ok(Vec::new()) } else { channels(db, &names) };
    }
    let load = |name: &String| match Channel::load(&table, name).map_err(store)? {
        Some(channel) => Ok((name.clone(), channel)),
        None => Err(format!("there is no channel {name:?}")),
    };
    names.iter().map(load).collect()
}

fn the_channel(db: &Database, ch: &str) -> Result<Channel, Problem> {
    let found = channels(db, &[ch.to_owned()])?.pop();
    found.map(|(_, channel)| channel).ok_or_else(|| format!("there is no channel {ch:?}"))
}

fn list(db: &Database, out: &mut impl Write) -> Result<(), Problem> {
    for (name, channel) in channels(db, &[])? {
        let Channel { epoch, first, head, last_id, .. } = channel;
        let name = serde_json::Value::from(name);
        writeln!(out, "{name}\tepoch {epoch}\tfirst {first}\thead {head}\tlast id {last_id}")
            .map_err(cannot_write)?;
    }
    Ok(())
}

fn head(db: &Database, ch: &str, out: &mut impl Write) -> Result<(), Problem> {
    let Channel { epoch, first, head, last_id, .. } = the_channel(db, ch)?;
    let shown = json!({"epoch": epoch, "first": first, "head": head, "last_id": last_id.to_string()});
    writeln!(out, "{shown}").map_err(cannot_write)
}

fn tail(db: &Database, ch: &str, n: u64, out: &mut impl Write) -> Result<(), Problem> {
    let Channel { number, head, .. } = the_channel(db, ch)?;
    let txn = db.begin_read().map_err(store)?;
    let table = txn.open_table(MESSAGES).map_err(store)?;
    let from = head.saturating_sub(n).saturating_add(1);
    if n == 0 {
        return Ok(());
    }
    for row in table.range((number, from)..=(number, head)).map_err(store)? {
        let (key, value) = row.map_err(store)?;
        let (ms, seq, data) = value.value();
        let offset = key.value().1;
        writeln!(out, r#"{{"offset":{offset},"id":"{ms}-{seq}","data":{data}}}"#).map_err(cannot_write)?;
    }
    Ok(())
}
