//! The parts of compound values.

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::super::error::Problem;
use super::super::key::Key;
use super::{Reader, bad};

/// The parts of an array or of an object.
pub(super) struct Parts<'a, 'de> {
    reader: &'a mut Reader<'de>,
    close: u8,
    has_parts: bool,
}

impl<'a, 'de> Parts<'a, 'de> {
    pub fn new(reader: &'a mut Reader<'de>, close: u8) -> Self {
        Parts { reader, close, has_parts: false }
    }

    /// Whether there is a further one. Reads what separates it from the one before.
    fn next(&mut self) -> Result<bool, Problem> {
        if self.reader.peek() == Some(self.close) {
            return Ok(false);
        }
        if std::mem::replace(&mut self.has_parts, true) {
            self.reader.expect(b',')?;
            self.reader.scanner.space();
        }
        Ok(true)
    }

    fn key(&mut self) -> Result<Option<&'de str>, Problem> {
        if !self.next()? {
            return Ok(None);
        }
        self.reader.scanner.string().map(Some).ok_or_else(bad)
    }
}

impl<'de> SeqAccess<'de> for Parts<'_, 'de> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        if !self.next()? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> MapAccess<'de> for Parts<'_, 'de> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        let Some(key) = self.key()? else { return Ok(None) };
        seed.deserialize(Key(key)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Problem> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

/// The only member of an object.
pub(super) struct Variant<'a, 'de>(pub &'a mut Reader<'de>);

impl<'a, 'de> EnumAccess<'de> for Variant<'a, 'de> {
    type Error = Problem;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Problem> {
        self.0.scanner.space();
        let name = self.0.text()?;
        self.0.expect(b':')?;
        Ok((seed.deserialize(IntoDeserializer::<Problem>::into_deserializer(name))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Problem> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Problem> {
        self.0.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.0.deserialize_struct("", fields, visitor)
    }
}
