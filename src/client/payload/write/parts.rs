//! The parts of compound values.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::super::error::Problem;
use super::{Writer, Written};
use crate::wire::push_text;

/// The parts of a compound value.
pub(in super::super) struct Parts<'a> {
    pub writer: &'a mut Writer,
    pub has_parts: bool,
    pub close: &'static str,
}

impl Parts<'_> {
    fn next(&mut self) -> &mut Writer {
        if std::mem::replace(&mut self.has_parts, true) {
            self.writer.json.push(',');
        }
        self.writer
    }

    fn name(&mut self, name: &str) -> &mut Writer {
        if !self.writer.is_raw {
            let writer = self.next();
            push_text(&mut writer.json, name);
            writer.json.push(':');
        }
        self.writer
    }

    fn close(self) -> Written {
        self.writer.push(self.close)
    }
}

/// Compound values without names.
macro_rules! unnamed {
    ($($of:ident: $part:ident;)*) => {
        $(impl $of for Parts<'_> {
            type Ok = ();
            type Error = Problem;

            fn $part<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
                value.serialize(self.next())
            }

            fn end(self) -> Written {
                self.close()
            }
        })*
    };
}

unnamed! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

/// Compound values with names.
macro_rules! named {
    ($($of:ident;)*) => {
        $(impl $of for Parts<'_> {
            type Ok = ();
            type Error = Problem;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Written {
                value.serialize(self.name(name))
            }

            fn end(self) -> Written {
                self.close()
            }
        })*
    };
}

named! {
    SerializeStruct;
    SerializeStructVariant;
}

impl SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Problem;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        let writer = self.next();
        let start = writer.json.len();
        key.serialize(&mut *writer)?;
        writer.quote(start)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.writer.json.push(':');
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Written {
        self.close()
    }
}
