//! The log format that is asked for, before the settings are parsed: errors about them have this format, too.

use std::ffi::OsString;

use clap::ValueEnum;
use toml::de::{DeTable, DeValue};

use super::LogFormat;
use super::options::variable;

const OPTION: &str = "log-format";

/// From the same sources as the setting. Where one of them cannot be read, it is as if it were not there.
pub(super) fn requested_format(args: &[OsString]) -> LogFormat {
    let set = |option| on_command_line(args, option).or_else(|| std::env::var(variable(option)).ok());
    let value = set(OPTION).or_else(|| in_file(&set("config")?));
    value.and_then(|value| LogFormat::from_str(&value, false).ok()).unwrap_or(LogFormat::Text)
}

/// The last one counts.
fn on_command_line(args: &[OsString], option: &str) -> Option<String> {
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let value = |at: usize| match args[at].strip_prefix("--")?.strip_prefix(option)? {
        "" => args.get(at + 1).map(ToString::to_string),
        rest => rest.strip_prefix('=').map(str::to_owned),
    };
    (0..args.len()).rev().find_map(value)
}

fn in_file(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let (table, _) = DeTable::parse_recoverable(&text);
    match table.get_ref().get(OPTION)?.get_ref() {
        DeValue::String(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_option_counts() {
        let format = |args: &[&str]| {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            on_command_line(&args, OPTION)
        };
        assert_eq!(format(&["--log-format", "json"]).as_deref(), Some("json"));
        assert_eq!(format(&["--log-format=json", "--log-format=text"]).as_deref(), Some("text"));
        assert_eq!(format(&["--log-formats=json", "log-format", "--log", "--log-format"]), None);
    }
}
