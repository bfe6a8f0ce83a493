//! Numbers of a payload.

use serde::de::Visitor;

use super::error::Problem;
use super::float;

/// A number, exact if it is an integer of 64 bits.
pub(super) enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl Number {
    /// The number that a valid text states.
    pub fn parse(json: &str) -> Result<Self, Problem> {
        if let Ok(number) = json.parse() {
            return Ok(Number::Unsigned(number));
        }
        match json.parse() {
            Ok(number) if number != 0 => return Ok(Number::Signed(number)),
            _ => {} // `-0` is no integer
        }
        let number = float::parse(json);
        if number.is_finite() { Ok(Number::Float(number)) } else { Err(Problem::new("number out of range")) }
    }

    pub fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self {
            Number::Unsigned(number) => visitor.visit_u64(number),
            Number::Signed(number) => visitor.visit_i64(number),
            Number::Float(number) => visitor.visit_f64(number),
        }
    }
}
