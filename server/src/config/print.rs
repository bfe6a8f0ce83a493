//! `--print-config`: the settings in effect, as a file.

use std::fmt::Write;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::file::{File, Kind, is_list};
use super::options::{is_setting, variable};
use super::values::without_query;
use super::{REDACTED, without_password};

/// Options that a file can set. Hidden ones, which are for tests, are printed only if they are set.
pub(super) fn as_toml(command: &Command, matches: &ArgMatches, file: Option<&File>) -> String {
    let mut lines = String::new();
    for arg in command.get_arguments() {
        let Some(long) = arg.get_long() else { continue };
        let source = source(arg, long, matches, file);
        if !is_setting(arg) || (arg.is_hide_set() && source == "default") {
            continue;
        }
        // Writing to a string does not fail.
        let _ = match value(arg, long, matches) {
            Some(value) => writeln!(lines, "{long} = {value} # {source}"),
            None => writeln!(lines, "# {long} is not set"),
        };
    }
    lines
}

/// Where the value comes from.
fn source(arg: &Arg, long: &str, matches: &ArgMatches, file: Option<&File>) -> String {
    match matches.value_source(arg.get_id().as_str()) {
        Some(ValueSource::CommandLine) => "command line".into(),
        Some(ValueSource::EnvVariable) => variable(long),
        _ => match file.filter(|file| file.value(arg.get_id()).is_some()) {
            Some(file) => file.name.clone(),
            None => "default".into(),
        },
    }
}

fn value(arg: &Arg, long: &str, matches: &ArgMatches) -> Option<String> {
    let texts = matches.get_raw(arg.get_id().as_str())?.map(|text| text.to_string_lossy().into_owned());
    let shown = |text: String| match (long, Kind::of(arg)) {
        ("token-secret" | "admin-token", _) => quoted(REDACTED),
        ("log", _) => quoted(&without_password(&text)),
        ("authorize-url" | "token-jwks-url", _) => quoted(&without_query(&text)),
        (_, Kind::Text) => quoted(&text),
        (_, Kind::Number | Kind::Switch) => text,
    };
    let values: Vec<String> = texts.map(shown).collect();
    Some(if is_list(arg) { format!("[{}]", values.join(", ")) } else { values.concat() })
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
