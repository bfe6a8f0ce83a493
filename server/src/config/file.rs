//! The configuration file: TOML, a key per option. Errors say which line of which file, and never show a line: it
//! may be a secret's.

use std::any::TypeId;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command, Id};
use toml::de::{DeTable, DeValue};

use super::sources::{bare_command, is_setting, without_secrets};

/// Of each option that is set, as they would stand on the command line.
type Values = Vec<(Id, Vec<String>)>;

/// What a file sets.
pub(super) struct File {
    /// Its name.
    pub name: String,
    values: Values,
}

impl File {
    /// Reads and checks it.
    pub fn read(path: &Path) -> Result<File, String> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| format!("cannot read the configuration file {name}: {e}"))?;
        match values(&text) {
            Ok(values) => Ok(File { name, values }),
            Err((span, problem)) => Err(format!("{name}, line {}: {problem}", line_of(&text, span.start))),
        }
    }

    /// What it says to an option, if anything.
    pub fn value(&self, option: &Id) -> Option<&[String]> {
        self.values.iter().find(|(id, _)| id == option).map(|(_, values)| &values[..])
    }
}

type Problem = (Range<usize>, String);

fn values(text: &str) -> Result<Values, Problem> {
    let table = DeTable::parse(text)
        .map_err(|e| (e.span().unwrap_or_default(), format!("this is not TOML: {}", e.message())))?;
    let command = bare_command();
    let mut values = Vec::new();
    for (key, value) in table.get_ref() {
        let name = key.get_ref();
        let wrong = |problem: String| (key.span(), format!("`{name}`: {problem}"));
        let arg = command.get_arguments().find(|arg| is_setting(arg) && arg.get_long() == Some(name));
        let arg = arg.ok_or_else(|| (key.span(), unknown(&command, name)))?;
        let texts = texts(arg, value.get_ref()).map_err(wrong)?;
        check(&command, name, &texts).map_err(wrong)?;
        values.push((arg.get_id().clone(), texts));
    }
    Ok(values)
}

fn unknown(command: &Command, name: &str) -> String {
    // The parser of the command line knows what is similar.
    let tried = command.clone().try_get_matches_from(["", &format!("--{name}")]);
    match tried.err().as_ref().and_then(|e| e.get(ContextKind::SuggestedArg)) {
        Some(ContextValue::String(similar)) => {
            format!("unknown key `{name}`; did you mean `{}`?", similar.trim_start_matches('-'))
        }
        _ => format!("unknown key `{name}`; keys are the options of --help without their dashes"),
    }
}

/// What the command line says to it.
fn check(command: &Command, name: &str, texts: &[String]) -> Result<(), String> {
    let args = texts.iter().map(|text| format!("--{name}={text}"));
    let Err(e) = command.clone().try_get_matches_from(std::iter::once(String::new()).chain(args)) else {
        return Ok(());
    };
    let told = without_secrets(e).render().to_string();
    let told = told.split("\n\n").next().unwrap_or_default();
    Err(told.trim_start_matches("error: ").to_owned())
}

/// What an option's value is in TOML.
#[derive(Clone, Copy, PartialEq, Eq)]
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

fn texts(arg: &Arg, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    match value {
        DeValue::Array(items) if is_list(arg) => items.iter().map(|item| text(arg, item.get_ref())).collect(),
        value => Ok(vec![text(arg, value)?]),
    }
}

fn text(arg: &Arg, value: &DeValue<'_>) -> Result<String, String> {
    match (Kind::of(arg), value) {
        (Kind::Text, DeValue::String(text)) => Ok(text.to_string()),
        (Kind::Number, DeValue::Integer(number)) => {
            let parsed = u64::from_str_radix(number.as_str(), number.radix());
            parsed.map(|number| number.to_string()).map_err(|_| format!("{number} is out of range"))
        }
        (Kind::Switch, DeValue::Boolean(on)) => Ok(on.to_string()),
        (kind, value) => Err(format!("expected {kind}, found: {}", value.type_str())),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
