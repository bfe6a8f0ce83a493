//! Numbers of a payload.

use serde::de::Visitor;

use super::error::Problem;
use super::{float, json};

/// A number, exact if it is an integer of 64 bits.
pub(super) enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl Number {
    /// The number that a valid text states.
    pub fn parse(json: &str) -> Result<Self, Problem> {
        const SIGNED_MAX: u64 = 1 << 63;
        let (is_negative, digits) = json.strip_prefix('-').map_or((false, json), |digits| (true, digits));
        match (is_negative, json::number(digits)) {
            (false, Some(number)) => return Ok(Number::Unsigned(number)),
            // `-0` is no integer.
            (true, Some(number @ 1..=SIGNED_MAX)) => {
                return Ok(Number::Signed((number as i64).wrapping_neg()));
            }
            _ => {}
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
