//! Texts that the core keeps, compares and passes on, and never reads: names, epochs, keys, tokens, messages.
//!
//! They are strings of Rust, except in the npm package's wasm for `seamline.v1`. There they stay in JavaScript, and
//! the wasm has only their numbers: nothing is copied, and no page downloads code for it.

pub use self::texts::*;

#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
mod texts {
    use std::borrow::Cow;

    /// A text.
    pub type Text = String;
    /// A borrowed text.
    pub type TextRef = str;
    /// A text that is often a constant.
    pub type Word = Cow<'static, str>;
}

#[cfg(all(target_arch = "wasm32", feature = "js-texts"))]
mod texts {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use wasm_bindgen::prelude::*;

    use crate::wire::Known;

    #[wasm_bindgen]
    extern "C" {
        /// A text, or the number of a [`Known`] one.
        #[derive(Clone, Debug, PartialEq)]
        pub type Text;
        #[wasm_bindgen(method, getter, js_name = length)]
        fn units(this: &Text) -> u32;
    }

    /// A borrowed text.
    pub type TextRef = Text;
    /// A text that is often a constant.
    pub type Word = Text;

    impl Eq for Text {}

    impl Text {
        /// The length in UTF-16 code units. None has more than three bytes, or six as an escape in JSON.
        pub fn len(&self) -> usize {
            self.units() as usize
        }

        /// Whether it is empty.
        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }

    impl Default for Text {
        fn default() -> Self {
            JsValue::UNDEFINED.unchecked_into()
        }
    }

    impl PartialEq<Known> for Text {
        fn eq(&self, other: &Known) -> bool {
            let other = Text::from(*other);
            *self == other
        }
    }

    // For the frames, which the server writes with serde. The client does not.

    impl Serialize for Text {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let value: &JsValue = self.as_ref();
            value.as_string().serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Text {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            String::deserialize(deserializer).map(|text| JsValue::from(text).unchecked_into())
        }
    }
}
