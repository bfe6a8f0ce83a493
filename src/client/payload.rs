//! Payloads: JSON text, so that no number is rounded. What serde_json does with a value or a text, this does, too.

mod error;
mod float;
mod key;
mod number;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::json;
use crate::wire::{code, push_number};
use error::Problem;
use read::Reader;
use write::Writer;

/// JSON text. A received one is as the server wrote it.
pub(crate) type Data = Arc<str>;

/// By these names, serde_json's `RawValue` and, with `arbitrary_precision`, its `Number` ask for their text.
const RAW_VALUE: &str = "$serde_json::private::RawValue";
const RAW_NUMBER: &str = "$serde_json::private::Number";

/// A value as JSON. Fails if JSON cannot represent it: `NaN`, infinity, a map whose keys are neither texts nor numbers.
pub(super) fn write<T: Serialize + ?Sized>(data: &T) -> Result<Data, Error> {
    let mut writer = Writer::default();
    match data.serialize(&mut writer) {
        Ok(()) => Ok(writer.json.into()),
        Err(Problem(problem)) => Err(not_json(&problem)),
    }
}

fn not_json(problem: &str) -> Error {
    let message =
        ["cannot write the payload as JSON: ", problem, ". Pass a value that JSON can represent."].concat();
    Error::own(code::BAD_DATA, message)
}

/// JSON as a value.
pub(super) fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Error> {
    let mut reader = Reader::new(json);
    let value = T::deserialize(&mut reader);
    let value = value.and_then(|value| reader.end().map(|()| value));
    value.map_err(|problem| other_shape(problem, reader.scanner.at))
}

fn other_shape(Problem(problem): Problem, at: usize) -> Error {
    let mut message = ["the payload has another shape: ", &problem, ", before byte "].concat();
    push_number(&mut message, at as u64 + 1);
    Error::own(code::BAD_DATA, message)
}
