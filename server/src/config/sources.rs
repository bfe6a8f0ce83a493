//! The sources of settings, in this order: the command line, the environment, the file, the default.
//!
//! The file's values become the defaults of the options, so the same code reads and checks a value whatever its source.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, FromArgMatches};
use tracing::warn;

use super::environment::{self, VariableError};
use super::file::{File, FileError};
use super::options::{bare_command, is_setting, variable, with_variables, without_secrets};
use super::print;
use super::requested_format::requested_format;
use crate::cli::{self, Cli};
use crate::config::LogFormat;

/// The settings of all sources.
pub struct Loaded {
    /// The resolved settings.
    pub cli: Cli,
    command: Command,
    matches: ArgMatches,
    file: Option<File>,
}

/// Why there are no settings.
#[derive(Debug)]
pub enum LoadError {
    /// The command line is wrong, or asks for help or the version.
    CommandLine(clap::Error),
    /// A variable has a wrong value.
    Environment(VariableError),
    /// The file cannot be used.
    File(FileError),
}

impl LoadError {
    /// What the process returns.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            LoadError::CommandLine(e) if !e.use_stderr() => ExitCode::SUCCESS,
            LoadError::CommandLine(_) | LoadError::Environment(_) => ExitCode::from(2),
            LoadError::File(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::CommandLine(e) => {
                f.write_str(e.render().to_string().trim_start_matches("error: ").trim_end())
            }
            LoadError::Environment(e) => e.fmt(f),
            LoadError::File(e) => e.fmt(f),
        }
    }
}

impl Loaded {
    /// Reads all sources. An error has the log format that they ask for.
    pub fn new() -> Result<Loaded, (LogFormat, LoadError)> {
        let args: Vec<OsString> = std::env::args_os().collect();
        Loaded::of(&args).map_err(|e| (requested_format(&args), e))
    }

    fn of(args: &[OsString]) -> Result<Loaded, LoadError> {
        let mut command = with_variables(bare_command());
        let mut matches = parse(&command, args)?;
        let path = matches.get_one::<PathBuf>("config").filter(|_| matches.subcommand().is_none());
        let file = path.map(|path| File::read(path)).transpose().map_err(LoadError::File)?;
        if let Some(file) = &file {
            command = command.mut_args(|arg| match file.value(arg.get_id()) {
                Some(values) => arg.default_values(values.to_vec()),
                None => arg,
            });
            matches = parse(&command, args)?;
        }
        let cli = Cli::from_arg_matches(&matches).map_err(|e| LoadError::CommandLine(without_secrets(e)))?;
        Ok(Loaded { cli, command, matches, file })
    }

    /// The format of the logs.
    pub fn log_format(&self) -> LogFormat {
        match &self.cli.command {
            None => self.cli.config.log_format,
            Some(cli::Command::Log(args)) => args.log_format,
        }
    }

    /// The settings in effect, as a file.
    pub fn as_toml(&self) -> String {
        print::as_toml(&self.command, &self.matches, self.file.as_ref())
    }

    /// Logs the variables that look like settings and are none.
    pub fn warn_of_unknown_variables(&self) {
        for warning in environment::warnings(&self.command) {
            warn!("{warning}");
        }
    }

    /// Appends, for each option that an error names, which variable or line of the file has set it.
    pub fn with_sources(&self, mut error: String) -> String {
        if self.cli.command.is_some() {
            return error; // it has options of its own
        }
        let words: Vec<_> = error.split(|c: char| !c.is_ascii_lowercase() && c != '-').collect();
        let is_named = |arg: &Arg| {
            words.iter().any(|word| word.strip_prefix("--") == Some(arg.get_long().unwrap_or("")))
        };
        let named = self.command.get_arguments().filter(|arg| is_setting(arg) && is_named(arg));
        let sources: Vec<String> = named.filter_map(|arg| self.source(arg)).collect();
        for source in sources {
            error.push('\n');
            error.push_str(&source);
        }
        error
    }

    /// Which variable or line has set this option.
    fn source(&self, arg: &Arg) -> Option<String> {
        let long = arg.get_long()?;
        match self.matches.value_source(arg.get_id().as_str())? {
            ValueSource::EnvVariable => Some(format!("--{long} is set by {}.", variable(long))),
            ValueSource::DefaultValue => {
                let file = self.file.as_ref()?;
                let line = file.line(arg.get_id())?;
                Some(format!("--{long} is set by {}, line {line}.", file.name))
            }
            _ => None,
        }
    }
}

fn parse(command: &Command, args: &[OsString]) -> Result<ArgMatches, LoadError> {
    command.clone().try_get_matches_from(args).map_err(|e| {
        let bare = bare_command();
        // The parser names the option, also where a variable has set it.
        let given = bare.clone().try_get_matches_from(args).ok();
        match given.and_then(|given| environment::wrong_variable(&bare, &given)) {
            Some(e) => LoadError::Environment(e),
            None => LoadError::CommandLine(without_secrets(e)),
        }
    })
}
