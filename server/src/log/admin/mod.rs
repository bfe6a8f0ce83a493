//! `seamline-server log`: commands for an embedded store that no server is using.

mod error;
mod export;
mod import;
mod lines;
mod verify;

use std::io::{self, BufReader, BufWriter, Write};

use redb::{Database, ReadableDatabase, ReadableTable};
use serde_json::json;

pub use self::error::{AdminError, ImportError};
use super::embedded::schema::{CHANNELS, Channel, MESSAGES};
use super::embedded::store::open_existing;
use crate::cli::{LogArgs, LogCommand};

/// Runs a command. Its result goes to standard output.
pub fn run(args: &LogArgs) -> Result<(), AdminError> {
    let db = open_existing(&args.data)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let done = match &args.command {
        LogCommand::List => list(&db, &mut out),
        LogCommand::Head { ch } => head(&db, ch, &mut out),
        LogCommand::Tail { ch, n } => tail(&db, ch, *n, &mut out),
        LogCommand::Verify => verify::verify(&db, &mut out),
        LogCommand::Export { ch } => export::export(&db, ch, &mut out),
        LogCommand::Import { new_epoch } => {
            import::import(&db, &args.data, BufReader::new(io::stdin().lock()), *new_epoch, &mut out)
        }
    };
    let flushed = out.flush().map_err(AdminError::Output);
    done.and(flushed)
}

/// All channels, sorted by name.
fn all_channels(db: &Database) -> Result<Vec<(String, Channel)>, AdminError> {
    let table = db.begin_read()?.open_table(CHANNELS)?;
    let rows = table.iter()?.map(|row| row.map(|(name, _)| name.value().to_owned()));
    channels(db, &rows.collect::<Result<Vec<_>, _>>()?)
}

/// These channels.
fn channels(db: &Database, names: &[String]) -> Result<Vec<(String, Channel)>, AdminError> {
    names.iter().map(|name| Ok((name.clone(), channel(db, name)?))).collect()
}

fn channel(db: &Database, name: &str) -> Result<Channel, AdminError> {
    let table = db.begin_read()?.open_table(CHANNELS)?;
    Channel::load(&table, name)?.ok_or_else(|| AdminError::NoChannel(name.to_owned()))
}

fn list(db: &Database, out: &mut impl Write) -> Result<(), AdminError> {
    for (name, channel) in all_channels(db)? {
        let Channel { epoch, first, head, last_id, .. } = channel;
        let name = serde_json::Value::from(name);
        writeln!(out, "{name}\tepoch {epoch}\tfirst {first}\thead {head}\tlast id {last_id}")
            .map_err(AdminError::Output)?;
    }
    Ok(())
}

fn head(db: &Database, ch: &str, out: &mut impl Write) -> Result<(), AdminError> {
    let Channel { epoch, first, head, last_id, .. } = channel(db, ch)?;
    let shown = json!({"epoch": epoch, "first": first, "head": head, "last_id": last_id.to_string()});
    writeln!(out, "{shown}").map_err(AdminError::Output)
}

fn tail(db: &Database, ch: &str, n: u64, out: &mut impl Write) -> Result<(), AdminError> {
    let Channel { number, head, .. } = channel(db, ch)?;
    if n == 0 {
        return Ok(());
    }
    let table = db.begin_read()?.open_table(MESSAGES)?;
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
