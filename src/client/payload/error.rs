//! What is wrong with a payload.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};
use serde::ser;

use super::float;
use crate::wire::{push_number, push_text};

/// A sentence without a period.
#[derive(Debug, PartialEq)]
pub(super) struct Problem(pub String);

impl Problem {
    pub fn new(text: &str) -> Self {
        Problem(text.to_owned())
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Problem {}

impl ser::Error for Problem {
    fn custom<T: Display>(message: T) -> Self {
        Problem(message.to_string())
    }
}

impl de::Error for Problem {
    fn custom<T: Display>(message: T) -> Self {
        Problem(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        other("type", unexpected, expected)
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        other("value", unexpected, expected)
    }
}

/// serde's own sentence would bring Rust's formatting of floats into every page.
fn other(what: &str, unexpected: Unexpected<'_>, expected: &dyn Expected) -> Problem {
    let unexpected = match unexpected {
        Unexpected::Float(number) => ["floating point `", &float::text(number), "`"].concat(),
        Unexpected::Unit => "null".to_owned(),
        Unexpected::Bool(value) => ["boolean `", if value { "true" } else { "false" }, "`"].concat(),
        Unexpected::Unsigned(number) => integer("", number),
        Unexpected::Signed(number) => integer(if number < 0 { "-" } else { "" }, number.unsigned_abs()),
        Unexpected::Str(text) => {
            let mut string = "string ".to_owned();
            push_text(&mut string, text);
            string
        }
        Unexpected::Seq => "sequence".to_owned(),
        Unexpected::Map => "map".to_owned(),
        Unexpected::UnitVariant => "unit variant".to_owned(),
        Unexpected::Other(other) => other.to_owned(),
        _ => "another value".to_owned(), // JSON has no further kind
    };
    Problem(format!("invalid {what}: {unexpected}, expected {expected}"))
}

fn integer(sign: &str, number: u64) -> String {
    let mut text = ["integer `", sign].concat();
    push_number(&mut text, number);
    text.push('`');
    text
}
