//! Payloads: JSON text, so that no number is rounded.

mod finite;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::Error;
use crate::wire::code;
use finite::Finite;

/// JSON text. A received one is as the server wrote it.
pub(crate) type Data = Arc<str>;

/// A value as JSON. Fails if JSON cannot represent it: `NaN`, infinity, a map whose keys are neither texts nor numbers.
pub(super) fn write<T: Serialize + ?Sized>(data: &T) -> Result<Data, Error> {
    let mut json = Vec::with_capacity(64);
    let mut serializer = serde_json::Serializer::new(&mut json);
    if let Err(error) = data.serialize(Finite(&mut serializer)) {
        let message =
            format!("cannot write the payload as JSON: {error}. Pass a value that JSON can represent.");
        return Err(Error::own(code::BAD_DATA, message));
    }
    Ok(String::from_utf8_lossy(&json).into()) // it is UTF-8
}

/// JSON as a value.
pub(super) fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Error> {
    serde_json::from_str(json)
        .map_err(|error| Error::own(code::BAD_DATA, format!("the payload has another shape: {error}")))
}
