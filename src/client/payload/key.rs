//! The names of an object's members as Rust values, which may be numbers.

use std::borrow::Cow;

use serde::de::value::CowStrDeserializer;
use serde::de::{Deserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::error::Problem;
use super::json::{self, Scanner};
use super::number::Number;

/// A name with its quotes.
pub(super) struct Key<'de>(pub &'de str);

impl<'de> Key<'de> {
    fn text(&self) -> Result<Cow<'de, str>, Problem> {
        json::cow(self.0).ok_or_else(|| Problem::new("it is not JSON"))
    }

    fn number(&self) -> Result<&'de str, Problem> {
        let text = self.0.trim_matches('"');
        let mut scanner = Scanner::new(text);
        let is_all = scanner.number().is_some_and(|number| number.len() == text.len());
        if is_all {
            Ok(text)
        } else {
            Err(Problem::new("invalid value: expected key to be a number in quotes"))
        }
    }
}

/// Keys that are numbers.
macro_rules! numbers {
    ($($name:ident)*) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            Number::parse(self.number()?)?.visit(visitor)
        })*
    };
}

/// Keys that are integers of 128 bits.
macro_rules! large {
    ($($name:ident: $of:ty, $visit:ident;)*) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            let number = self.number()?.parse::<$of>();
            visitor.$visit(number.map_err(|_| Problem::new("number out of range"))?)
        })*
    };
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.text()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
    }

    large! {
        deserialize_i128: i128, visit_i128;
        deserialize_u128: u128, visit_u128;
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0 {
            "\"true\"" => visitor.visit_bool(true),
            "\"false\"" => visitor.visit_bool(false),
            other => Err(serde::de::Error::invalid_type(Unexpected::Str(other), &visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_enum(CowStrDeserializer::new(self.text()?))
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
