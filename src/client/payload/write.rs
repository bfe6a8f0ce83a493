//! Rust values as JSON. serde_json would add 10 KB to a page.

mod parts;

use serde::ser::{Serialize, Serializer};

use super::error::Problem;
use super::{RAW_NUMBER, RAW_VALUE, float};
use crate::wire::{push_number, push_text};
use parts::Parts;

type Written = Result<(), Problem>;

/// The text so far.
#[derive(Default)]
pub(super) struct Writer {
    pub json: String,
    /// The next text is JSON already.
    is_raw: bool,
}

impl Writer {
    fn push(&mut self, json: &str) -> Written {
        self.json.push_str(json);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Written {
        if std::mem::take(&mut self.is_raw) {
            return self.push(text);
        }
        push_text(&mut self.json, text);
        Ok(())
    }

    fn unsigned(&mut self, number: u64) -> Written {
        push_number(&mut self.json, number);
        Ok(())
    }

    fn signed(&mut self, number: i64) -> Written {
        if number < 0 {
            self.json.push('-');
        }
        self.unsigned(number.unsigned_abs())
    }

    fn float(&mut self, number: f64, text: impl FnOnce() -> String) -> Written {
        if !number.is_finite() {
            let name = match number {
                f64::INFINITY => "inf",
                f64::NEG_INFINITY => "-inf",
                _ => "NaN",
            };
            return Err(Problem(["JSON has no ", name].concat()));
        }
        self.push(&text())
    }

    /// Begins a variant with a value.
    fn variant(&mut self, name: &str) {
        self.json.push('{');
        push_text(&mut self.json, name);
        self.json.push(':');
    }

    fn open(&mut self, bracket: char, close: &'static str) -> Parts<'_> {
        self.json.push(bracket);
        Parts { writer: self, has_parts: false, close }
    }

    /// A key was written at the end of the text. If it is no text, it becomes one.
    fn quote(&mut self, start: usize) -> Written {
        match self.json.as_bytes().get(start) {
            Some(b'"') => {}
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                self.json.insert(start, '"');
                self.json.push('"');
            }
            _ => return Err(Problem::new("key must be a string")),
        }
        Ok(())
    }
}

/// Numbers of one kind.
macro_rules! numbers {
    ($($name:ident($of:ty) as $kind:ident;)*) => {
        $(fn $name(self, number: $of) -> Written {
            self.$kind(number.into())
        })*
    };
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Problem;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    numbers! {
        serialize_i8(i8) as signed;
        serialize_i16(i16) as signed;
        serialize_i32(i32) as signed;
        serialize_i64(i64) as signed;
        serialize_u8(u8) as unsigned;
        serialize_u16(u16) as unsigned;
        serialize_u32(u32) as unsigned;
        serialize_u64(u64) as unsigned;
    }

    fn serialize_i128(self, number: i128) -> Written {
        self.push(&number.to_string())
    }

    fn serialize_u128(self, number: u128) -> Written {
        self.push(&number.to_string())
    }

    fn serialize_f32(self, number: f32) -> Written {
        self.float(number.into(), || float::short_text(number))
    }

    fn serialize_f64(self, number: f64) -> Written {
        self.float(number, || float::text(number))
    }

    fn serialize_bool(self, value: bool) -> Written {
        self.push(if value { "true" } else { "false" })
    }

    fn serialize_char(self, value: char) -> Written {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Written {
        self.text(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Written {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Written {
        self.push("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.push("null")
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Written {
        self.push("null")
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Written {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        self.variant(variant);
        value.serialize(&mut *self)?;
        self.push("}")
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Parts<'a>, Problem> {
        Ok(self.open('[', "]"))
    }

    fn serialize_tuple(self, _len: usize) -> Result<Parts<'a>, Problem> {
        Ok(self.open('[', "]"))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Parts<'a>, Problem> {
        Ok(self.open('[', "]"))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Parts<'a>, Problem> {
        self.variant(variant);
        Ok(self.open('[', "]}"))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Parts<'a>, Problem> {
        Ok(self.open('{', "}"))
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Parts<'a>, Problem> {
        if name == RAW_VALUE || name == RAW_NUMBER {
            self.is_raw = true;
            return Ok(Parts { writer: self, has_parts: false, close: "" });
        }
        Ok(self.open('{', "}"))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Parts<'a>, Problem> {
        self.variant(variant);
        Ok(self.open('{', "}}"))
    }
}
