//! The sources of settings, in this order: the command line, the environment, the file, the default.
//!
//! The file's values become the defaults of the options, so the same code reads and checks a value whatever its source.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgMatches, Command, FromArgMatches};

use super::file::{File, FileError};
use super::options::{bare_command, with_variables, without_secrets};
use super::print;
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

fn parse(command: &Command) -> ArgMatches {
    let args: Vec<OsString> = std::env::args_os().collect();
    command.clone().try_get_matches_from(args).unwrap_or_else(|e| without_secrets(e).exit())
}
