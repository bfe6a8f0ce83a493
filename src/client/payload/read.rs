//! JSON as Rust values. serde_json would add 10 KB to a page.

mod parts;

use std::borrow::Cow;

use serde::de::value::{BorrowedStrDeserializer, CowStrDeserializer, MapDeserializer};
use serde::de::{Deserializer, Error, Expected, Unexpected, Visitor};

use super::error::Problem;
use super::number::Number;
use super::{RAW_VALUE, json};
use json::Scanner;
use parts::{Parts, Variant};

/// How deep a payload may be nested, so that no stack overflows.
const DEPTH_MAX: u32 = 127;

/// How a number begins.
const NUMBER: &[u8] = b"-0123456789";

/// What comes next.
enum Token<'de> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'de, str>),
    /// A bracket, which is read.
    Array,
    Object,
}

/// The text, and how far it is read.
pub(super) struct Reader<'de> {
    pub scanner: Scanner<'de>,
    depth: u32,
}

fn bad() -> Problem {
    Problem::new("it is not JSON")
}

impl<'de> Reader<'de> {
    pub fn new(text: &'de str) -> Self {
        Reader { scanner: Scanner::new(text), depth: 0 }
    }

    /// Nothing may follow.
    pub fn end(&mut self) -> Result<(), Problem> {
        self.scanner.space();
        if self.scanner.peek().is_none() { Ok(()) } else { Err(bad()) }
    }

    fn peek(&mut self) -> Option<u8> {
        self.scanner.space();
        self.scanner.peek()
    }

    fn token(&mut self) -> Result<Token<'de>, Problem> {
        let start = self.peek().ok_or_else(bad)?;
        Ok(match start {
            b'{' => self.enter(Token::Object)?,
            b'[' => self.enter(Token::Array)?,
            b'"' => Token::Text(self.text()?),
            b'-' | b'0'..=b'9' => Token::Number(Number::parse(self.number()?)?),
            _ => {
                self.scanner.word().ok_or_else(bad)?;
                if start == b'n' { Token::Null } else { Token::Bool(start == b't') }
            }
        })
    }

    fn number(&mut self) -> Result<&'de str, Problem> {
        self.scanner.space();
        self.scanner.number().ok_or_else(bad)
    }

    fn text(&mut self) -> Result<Cow<'de, str>, Problem> {
        json::cow(self.scanner.string().ok_or_else(bad)?).ok_or_else(bad)
    }

    fn some_text(&mut self, expected: &dyn Expected) -> Result<Cow<'de, str>, Problem> {
        if self.peek() == Some(b'"') { self.text() } else { Err(self.unexpected(expected)) }
    }

    fn only<V: Visitor<'de>>(&mut self, starts: &[u8], visitor: V) -> Result<V::Value, Problem> {
        match self.peek() {
            Some(start) if starts.contains(&start) => self.deserialize_any(visitor),
            _ => Err(self.unexpected(&visitor)),
        }
    }

    /// What comes next is of another kind.
    fn unexpected(&mut self, expected: &dyn Expected) -> Problem {
        let token = match self.token() {
            Ok(token) => token,
            Err(problem) => return problem,
        };
        let kind = match &token {
            Token::Null => Unexpected::Unit,
            Token::Bool(value) => Unexpected::Bool(*value),
            Token::Number(Number::Unsigned(number)) => Unexpected::Unsigned(*number),
            Token::Number(Number::Signed(number)) => Unexpected::Signed(*number),
            Token::Number(Number::Float(number)) => Unexpected::Float(*number),
            Token::Text(text) => Unexpected::Str(text),
            Token::Array => Unexpected::Seq,
            Token::Object => Unexpected::Map,
        };
        Error::invalid_type(kind, expected)
    }

    fn enter(&mut self, token: Token<'de>) -> Result<Token<'de>, Problem> {
        self.scanner.skip();
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(Problem::new("it is nested too deeply")) } else { Ok(token) }
    }

    fn leave(&mut self, close: u8) -> Result<(), Problem> {
        self.depth -= 1;
        self.expect(close)
    }

    fn expect(&mut self, byte: u8) -> Result<(), Problem> {
        self.scanner.space();
        if self.scanner.eat(byte) { Ok(()) } else { Err(bad()) }
    }
}

/// Types that a value of another kind cannot be, even if their visitor would take it.
macro_rules! only {
    ($($name:ident: $starts:expr;)*) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            self.only($starts, visitor)
        })*
    };
}

/// The same, for texts. By themselves, because most payloads have many.
macro_rules! texts {
    ($($name:ident)*) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            match self.some_text(&visitor)? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            }
        })*
    };
}

/// Integers of 128 bits.
macro_rules! large {
    ($($name:ident: $of:ty, $visit:ident;)*) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            match self.peek() {
                Some(b'-' | b'0'..=b'9') => {
                    let number = self.number()?.parse::<$of>();
                    visitor.$visit(number.map_err(|_| Problem::new("number out of range"))?)
                }
                _ => Err(self.unexpected(&visitor)),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.token()? {
            Token::Null => visitor.visit_unit(),
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Number(number) => number.visit(visitor),
            Token::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Token::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Token::Array => {
                let value = visitor.visit_seq(Parts::new(self, b']'))?;
                self.leave(b']').map(|()| value)
            }
            Token::Object => {
                let value = visitor.visit_map(Parts::new(self, b'}'))?;
                self.leave(b'}').map(|()| value)
            }
        }
    }

    large! {
        deserialize_i128: i128, visit_i128;
        deserialize_u128: u128, visit_u128;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.peek() == Some(b'n') {
            self.scanner.word().ok_or_else(bad)?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        if name == RAW_VALUE {
            self.scanner.space();
            let value = BorrowedStrDeserializer::new(self.scanner.value().ok_or_else(bad)?);
            return visitor.visit_map(MapDeserializer::new([(RAW_VALUE, value)].into_iter()));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match self.token()? {
            Token::Text(text) => visitor.visit_enum(CowStrDeserializer::new(text)),
            Token::Object => {
                let value = visitor.visit_enum(Variant(self))?;
                self.leave(b'}').map(|()| value)
            }
            _ => Err(Problem::new("expected a variant: a string, or an object with one member")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.scanner.space();
        self.scanner.value().ok_or_else(bad)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.only(b"[{", visitor)
    }

    only! {
        deserialize_bool: b"tf";
        deserialize_i8: NUMBER;
        deserialize_i16: NUMBER;
        deserialize_i32: NUMBER;
        deserialize_i64: NUMBER;
        deserialize_u8: NUMBER;
        deserialize_u16: NUMBER;
        deserialize_u32: NUMBER;
        deserialize_u64: NUMBER;
        deserialize_f32: NUMBER;
        deserialize_f64: NUMBER;
        deserialize_bytes: b"\"[";
        deserialize_byte_buf: b"\"[";
        deserialize_unit: b"n";
        deserialize_seq: b"[";
        deserialize_map: b"{";
    }

    texts! { deserialize_char deserialize_str deserialize_string deserialize_identifier }
}
