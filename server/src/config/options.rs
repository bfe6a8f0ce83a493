//! The options of the command line, which are also the keys of the file and the names of environment variables.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command, CommandFactory};

use super::without_password;
use crate::cli::Cli;

/// The command line alone. Switches also accept `=false`, to turn off what the file turns on.
pub(super) fn bare_command() -> Command {
    Cli::command().mut_args(|arg| match arg.get_action() {
        ArgAction::SetTrue if is_setting(&arg) => {
            let arg = arg.action(ArgAction::Set).num_args(0..=1).require_equals(true);
            let arg = arg.default_value("false").default_missing_value("true");
            arg.value_name("BOOL").hide_default_value(true).hide_possible_values(true)
        }
        _ => arg,
    })
}

/// Each option is also an environment variable. `--help` states the rule instead of each name.
pub(super) fn with_variables(command: Command) -> Command {
    command.mut_args(|arg| match arg.get_long() {
        Some(long) if has_variable(&arg) => {
            let name = variable(long);
            arg.env(name).hide_env(true)
        }
        _ => arg,
    })
}

/// Whether a variable can set this option.
pub(super) fn has_variable(arg: &Arg) -> bool {
    arg.get_long() == Some("config") || is_setting(arg)
}

/// Whether a file can set this option. The others concern a single call.
pub(super) fn is_setting(arg: &Arg) -> bool {
    arg.get_long().is_some_and(|long| !["config", "print-config", "help", "version"].contains(&long))
}

/// `SEAMLINE_MAX_CHANNELS` of `max-channels`.
pub(super) fn variable(long: &str) -> String {
    format!("SEAMLINE_{}", long.replace('-', "_").to_ascii_uppercase())
}

/// The error shows the invalid value, but not a password in it.
pub(super) fn without_secrets(mut e: clap::Error) -> clap::Error {
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidSubcommand, ContextKind::InvalidArg] {
        if let Some(ContextValue::String(value)) = e.get(kind) {
            let shown = without_password(value);
            e.insert(kind, ContextValue::String(shown));
        }
    }
    e
}

/// Checks the values of an option as the command line would. Returns what is wrong with them.
pub(super) fn check(
    command: &Command,
    long: &str,
    values: impl IntoIterator<Item = OsString>,
) -> Result<(), String> {
    let arg = |value: OsString| {
        let mut arg = OsString::from(format!("--{long}="));
        arg.push(value);
        arg
    };
    let args = std::iter::once(OsString::new()).chain(values.into_iter().map(arg));
    let Err(e) = command.clone().try_get_matches_from(args) else { return Ok(()) };
    let message = without_secrets(e).render().to_string();
    Err(message.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").to_owned())
}

/// The option with the most similar name, if there is a similar one. The parser of the command line finds it.
pub(super) fn similar(command: &Command, long: &str) -> Option<String> {
    let tried = command.clone().try_get_matches_from(["", &format!("--{long}")]);
    match tried.err()?.get(ContextKind::SuggestedArg)? {
        ContextValue::String(similar) => Some(similar.trim_start_matches('-').to_owned()),
        _ => None,
    }
}
