//! Environment variables: the one with a wrong value, and those that are no settings.

use std::ffi::OsString;
use std::fmt;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::options::{check, has_variable, similar, variable};

/// The beginning of the names of all variables that are settings.
const PREFIX: &str = "SEAMLINE_";

/// A variable whose value is wrong.
#[derive(Debug)]
pub struct VariableError {
    name: String,
    /// What the parser of the command line says about the value.
    message: String,
}

impl fmt::Display for VariableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use the variable {}: {}", self.name, self.message)
    }
}

/// The first variable that the parser of the command line rejects, and the command line does not override.
pub(super) fn wrong_variable(command: &Command, given: &ArgMatches) -> Option<VariableError> {
    let is_given = |arg: &Arg| given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    command.get_arguments().filter(|arg| has_variable(arg) && !is_given(arg)).find_map(|arg| {
        let long = arg.get_long()?;
        let name = variable(long);
        let value = std::env::var_os(&name)?;
        check(command, long, [value]).err().map(|message| VariableError { name, message })
    })
}

/// A warning for each variable that looks like a setting and is none.
pub(super) fn warnings(command: &Command) -> Vec<String> {
    let known: Vec<OsString> = command
        .get_arguments()
        .filter(|arg| has_variable(arg))
        .filter_map(|arg| arg.get_long())
        .map(|long| variable(long).into())
        .collect();
    let mut unknown: Vec<String> = std::env::vars_os()
        .filter(|(name, _)| !known.contains(name))
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .filter(|name| name.starts_with(PREFIX))
        .collect();
    unknown.sort();
    unknown.iter().map(|name| warning(command, name)).collect()
}

fn warning(command: &Command, name: &str) -> String {
    let option = name[PREFIX.len()..].to_ascii_lowercase().replace('_', "-");
    let hint = match similar(command, &option) {
        Some(long) => format!("did you mean {}?", variable(&long)),
        None => "settings are the options of --help, in capitals".into(),
    };
    format!("the variable {name} is not a setting, and has no effect; {hint}")
}
