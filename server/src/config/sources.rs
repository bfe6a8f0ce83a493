//! The sources of settings, in this order: the command line, the environment, the file, the default.
//!
//! The file's values become the defaults of the options, so the same code reads and checks a value whatever its source.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};

use super::file::{File, FileError};
use super::{print, without_password};
use crate::cli::Cli;

/// The settings of all sources.
pub struct Loaded {
    /// The resolved settings.
    pub cli: Cli,
    command: Command,
    matches: ArgMatches,
    file: Option<File>,
}

impl Loaded {
    /// Reads all sources. A wrong command line, or one that asks for help, ends the process; a wrong file is an error.
    pub fn new() -> Result<Loaded, FileError> {
        let mut command = with_variables(bare_command());
        let mut matches = parse(&command);
        let path = matches.get_one::<PathBuf>("config").filter(|_| matches.subcommand().is_none());
        let file = path.map(|path| File::read(path)).transpose()?;
        if let Some(file) = &file {
            command = command.mut_args(|arg| match file.value(arg.get_id()) {
                Some(values) => arg.default_values(values.to_vec()),
                None => arg,
            });
            matches = parse(&command);
        }
        let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|e| without_secrets(e).exit());
        Ok(Loaded { cli, command, matches, file })
    }

    /// The settings in effect, as a file.
    pub fn as_toml(&self) -> String {
        print::as_toml(&self.command, &self.matches, self.file.as_ref())
    }
}

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
fn with_variables(command: Command) -> Command {
    command.mut_args(|arg| match arg.get_long() {
        Some(long) if long == "config" || is_setting(&arg) => {
            let name = variable(long);
            arg.env(name).hide_env(true)
        }
        _ => arg,
    })
}

/// Whether a file can set this option. The others concern a single call.
pub(super) fn is_setting(arg: &Arg) -> bool {
    arg.get_long().is_some_and(|long| !["config", "print-config", "help", "version"].contains(&long))
}

/// `SEAMLINE_MAX_CHANNELS` of `max-channels`.
pub(super) fn variable(long: &str) -> String {
    format!("SEAMLINE_{}", long.replace('-', "_").to_ascii_uppercase())
}

fn parse(command: &Command) -> ArgMatches {
    let args: Vec<OsString> = std::env::args_os().collect();
    command.clone().try_get_matches_from(args).unwrap_or_else(|e| without_secrets(e).exit())
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
