//! The configuration file: TOML, one key per option. Errors name the line, but do not show it: it may hold a secret.

use std::any::TypeId;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;

use clap::{Arg, ArgAction, Command, Id};
use toml::de::{DeTable, DeValue};

use super::options::{self, bare_command, is_setting, similar};

/// An option that is set.
struct Setting {
    option: Id,
    line: usize,
    /// As the command line would have them.
    values: Vec<String>,
}

/// A configuration file.
pub(super) struct File {
    /// Its path, for messages.
    pub name: String,
    settings: Vec<Setting>,
}

/// A configuration file that cannot be used.
#[derive(Debug)]
pub struct FileError {
    name: String,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Unreadable(io::Error),
    InLine(usize, LineProblem),
}

#[derive(Debug)]
enum LineProblem {
    NotToml(String),
    UnknownKey {
        key: String,
        similar: Option<String>,
    },
    WrongType {
        key: String,
        expected: Kind,
        found: &'static str,
    },
    OutOfRange {
        key: String,
        number: String,
    },
    /// What the parser of the command line says about the value.
    Invalid {
        key: String,
        message: String,
    },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.problem {
            Problem::Unreadable(e) => {
                write!(
                    f,
                    "cannot read the configuration file {name}: {e}\nGive a readable file with --config."
                )
            }
            Problem::InLine(line, problem) => write!(f, "{name}, line {line}: {problem}"),
        }
    }
}

impl fmt::Display for LineProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineProblem::NotToml(message) => write!(f, "invalid TOML: {message}"),
            LineProblem::UnknownKey { key, similar: Some(similar) } => {
                write!(f, "unknown key `{key}`; did you mean `{similar}`?")
            }
            LineProblem::UnknownKey { key, similar: None } => {
                write!(f, "unknown key `{key}`; keys are the options of --help without the dashes")
            }
            LineProblem::WrongType { key, expected, found } => {
                write!(f, "`{key}`: expected {expected}, found: {found}")
            }
            LineProblem::OutOfRange { key, number } => write!(f, "`{key}`: {number} is out of range"),
            LineProblem::Invalid { key, message } => write!(f, "`{key}`: {message}"),
        }
    }
}

impl std::error::Error for FileError {}

impl File {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<File, FileError> {
        let name = path.display().to_string();
        let settings = match std::fs::read_to_string(path) {
            Ok(text) => settings(&text).map_err(|(line, problem)| Problem::InLine(line, problem)),
            Err(e) => Err(Problem::Unreadable(e)),
        };
        match settings {
            Ok(settings) => Ok(File { name, settings }),
            Err(problem) => Err(FileError { name, problem }),
        }
    }

    /// The values of an option, if the file sets it.
    pub fn value(&self, option: &Id) -> Option<&[String]> {
        self.setting(option).map(|setting| &setting.values[..])
    }

    /// The line of an option, if the file sets it.
    pub fn line(&self, option: &Id) -> Option<usize> {
        self.setting(option).map(|setting| setting.line)
    }

    fn setting(&self, option: &Id) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.option == *option)
    }
}

/// All settings; or the line of the first problem.
fn settings(text: &str) -> Result<Vec<Setting>, (usize, LineProblem)> {
    let table = DeTable::parse(text).map_err(|e| {
        let line = line_of(text, e.span().unwrap_or_default().start);
        (line, LineProblem::NotToml(e.message().to_owned()))
    })?;
    let command = bare_command();
    let mut settings = Vec::new();
    for (key, value) in table.get_ref() {
        let line = line_of(text, key.span().start);
        let checked = texts(&command, key.get_ref(), value.get_ref());
        let (option, values) = checked.map_err(|problem| (line, problem))?;
        settings.push(Setting { option, line, values });
    }
    Ok(settings)
}

fn texts(command: &Command, key: &str, value: &DeValue<'_>) -> Result<(Id, Vec<String>), LineProblem> {
    let arg = command.get_arguments().find(|arg| is_setting(arg) && arg.get_long() == Some(key));
    let unknown = || LineProblem::UnknownKey { key: key.to_owned(), similar: similar(command, key) };
    let arg = arg.ok_or_else(unknown)?;
    let texts = match value {
        DeValue::Array(items) if is_list(arg) => {
            items.iter().map(|item| text(arg, key, item.get_ref())).collect::<Result<_, _>>()?
        }
        value => vec![text(arg, key, value)?],
    };
    options::check(command, key, texts.iter().map(OsString::from))
        .map_err(|message| LineProblem::Invalid { key: key.to_owned(), message })?;
    Ok((arg.get_id().clone(), texts))
}

fn text(arg: &Arg, key: &str, value: &DeValue<'_>) -> Result<String, LineProblem> {
    let key = key.to_owned();
    match (Kind::of(arg), value) {
        (Kind::Text, DeValue::String(text)) => Ok(text.to_string()),
        (Kind::Number, DeValue::Integer(number)) => {
            let parsed = u64::from_str_radix(number.as_str(), number.radix());
            parsed
                .map(|number| number.to_string())
                .map_err(|_| LineProblem::OutOfRange { key, number: number.to_string() })
        }
        (Kind::Switch, DeValue::Boolean(on)) => Ok(on.to_string()),
        (expected, value) => Err(LineProblem::WrongType { key, expected, found: value.type_str() }),
    }
}

/// The TOML type of an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Switch,
}

impl Kind {
    pub fn of(arg: &Arg) -> Kind {
        let value = arg.get_value_parser().type_id();
        match () {
            () if value == TypeId::of::<u64>() => Kind::Number,
            () if value == TypeId::of::<bool>() => Kind::Switch,
            () => Kind::Text,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Text => "a string, in quotes",
            Kind::Number => "a number",
            Kind::Switch => "true or false",
        })
    }
}

/// Whether an option has a list of values.
pub(super) fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
