//! Where settings come from: the command line, else the environment, else the file, else the default.
//!
//! The values of the file become the defaults of the options: so it is the same code that reads a value and checks
//! it, wherever it stands.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};

use super::file::File;
use super::{print, without_password};
use crate::cli::Cli;

/// What the sources say.
pub struct Loaded {
    /// For the program.
    pub cli: Cli,
    command: Command,
    matches: ArgMatches,
    file: Option<File>,
}

impl Loaded {
    /// Asks all sources. Ends the process where the command line is wrong, or asks for help; says what is wrong in a
    /// file.
    pub fn new() -> Result<Loaded, String> {
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
        let cli = Cli::from_arg_matches(&matches).map_err(|e| e.to_string())?;
        Ok(Loaded { cli, command, matches, file })
    }

    /// The options in effect, as a file.
    pub fn as_toml(&self) -> String {
        print::as_toml(&self.command, &self.matches, self.file.as_ref())
    }
}

/// The command line alone. Its switches take `=false` too, so that they can turn off what the file turns on.
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

/// Each option is a variable as well. `--help` tells the rule rather than each name.
fn with_variables(command: Command) -> Command {
    command.mut_args(|arg| match arg.get_long() {
        Some(long) if long == "config" || is_setting(&arg) => {
            let name = variable(long);
            arg.env(name).hide_env(true)
        }
        _ => arg,
    })
}

/// Whether a file can have it. The others are about one call.
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

/// A value that is refused is shown, but not its password.
pub(super) fn without_secrets(mut e: clap::Error) -> clap::Error {
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidSubcommand, ContextKind::InvalidArg] {
        if let Some(ContextValue::String(value)) = e.get(kind) {
            let shown = without_password(value);
            e.insert(kind, ContextValue::String(shown));
        }
    }
    e
}
