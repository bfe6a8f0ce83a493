//! A frame as an object, whose values stay text until they are read.

use super::json;
use super::payload::Data;
use crate::wire::Fields;

/// The members of an object in their order. If two have the same name, the last one counts, as in `JSON.parse`.
pub(super) struct Object<'a>(Vec<(String, &'a str)>);

impl<'a> Object<'a> {
    /// Reads a frame. An error states what is wrong with it.
    pub fn parse(frame: &'a str) -> Result<Self, String> {
        json::members(frame).map(Object).ok_or_else(|| {
            let what = if json::is_json(frame) { "a JSON object" } else { "JSON" };
            String::from("the server sent a frame that is not ") + what
        })
    }

    /// The text of a member.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value)
    }
}

impl Fields for Object<'_> {
    type Data = Data;

    fn text(&self, name: &'static str) -> Option<String> {
        json::text(self.get(name)?)
    }

    fn number(&self, name: &'static str) -> Option<u64> {
        json::number(self.get(name)?)
    }

    fn data(&self) -> Option<Data> {
        self.get("data").map(Data::from)
    }
}
