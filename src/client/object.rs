//! A JSON object, member by member, whose values stay text until they are read.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::payload::Data;
use crate::wire::Fields;

/// The members of an object in their order. If two have the same name, the last one counts, as in `JSON.parse`.
pub(super) struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Reads a frame. An error states what is wrong with it.
    pub fn parse(frame: &'a str) -> Result<Self, String> {
        let json: &RawValue =
            serde_json::from_str(frame).map_err(|_| "the server sent a frame that is not JSON")?;
        serde_json::from_str(json.get())
            .map_err(|_| "the server sent a frame that is not a JSON object".to_owned())
    }

    /// The text of a member.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.get())
    }

    /// A member, if it has this type.
    pub fn read<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.get(name)?).ok()
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl Fields for Object<'_> {
    type Data = Data;

    fn text(&self, name: &'static str) -> Option<String> {
        self.read(name)
    }

    fn number(&self, name: &'static str) -> Option<u64> {
        self.read(name)
    }

    fn data(&self) -> Option<Data> {
        self.get("data").map(Data::from)
    }
}
