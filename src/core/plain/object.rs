//! Reading an object's id and number, wherever they are.

use super::{Incoming, PlainConfig};
use crate::core::position::push_number;

/// A JSON value, however it is held.
pub trait Object: Sized {
    /// A member; none of what is no object.
    fn member(&self, name: &str) -> Option<Self>;
    /// A text.
    fn as_text(&self) -> Option<String>;
    /// An integer, 0 or more.
    fn as_integer(&self) -> Option<u64>;
}

/// Reads what is to be known of an object.
pub fn read<O: Object>(object: O, config: &PlainConfig) -> Incoming<O> {
    let id = find(&object, &config.id_paths, text_or_integer);
    // A position's first offset is 1, so a 0 cannot be one.
    let number = find(&object, &config.number_paths, |value| value.as_integer().filter(|&number| number > 0));
    Incoming { id, number, object }
}

fn find<O: Object, T>(object: &O, paths: &[String], read: impl Fn(&O) -> Option<T>) -> Option<T> {
    paths.iter().find_map(|path| {
        let mut names = path.split('.');
        let first = object.member(names.next()?)?;
        let value = names.try_fold(first, |value, name| value.member(name))?;
        read(&value)
    })
}

/// Some servers' ids are their database's integers.
fn text_or_integer(value: &impl Object) -> Option<String> {
    let integer = || {
        let mut text = String::new();
        push_number(&mut text, value.as_integer()?);
        Some(text)
    };
    value.as_text().filter(|text| !text.is_empty()).or_else(integer)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    impl Object for Value {
        fn member(&self, name: &str) -> Option<Value> {
            self.get(name).cloned()
        }
        fn as_text(&self) -> Option<String> {
            self.as_str().map(str::to_owned)
        }
        fn as_integer(&self) -> Option<u64> {
            self.as_u64()
        }
    }

    fn id_and_number(value: Value, config: &PlainConfig) -> (Option<String>, Option<u64>) {
        let Incoming { id, number, .. } = read(value, config);
        (id, number)
    }

    #[test]
    fn the_shapes_of_the_servers_that_there_were() {
        let config = PlainConfig::default();
        let flat = json!({"stream_id": "5-0", "id": "uuid", "type": "message.new", "sequence_number": 41});
        assert_eq!(id_and_number(flat, &config), (Some("5-0".to_owned()), Some(41)));
        let nested = json!({"type": "message", "message": {"id": "uuid", "sequence_number": 41}});
        assert_eq!(id_and_number(nested, &config), (Some("uuid".to_owned()), Some(41)));
        assert_eq!(id_and_number(json!({"type": "typing", "user_id": "u"}), &config), (None, None));
        assert_eq!(id_and_number(json!({"id": 7}), &config), (Some("7".to_owned()), None));
    }

    #[test]
    fn what_has_the_wrong_type_is_not_there() {
        let config = PlainConfig::default();
        for number in [json!(0), json!(-1), json!("41"), json!(1.5), json!(null)] {
            assert_eq!(id_and_number(json!({"sequence_number": number}), &config), (None, None));
        }
        for id in [json!(""), json!(null), json!({}), json!(true)] {
            assert_eq!(id_and_number(json!({"id": id}), &config), (None, None));
        }
        assert_eq!(id_and_number(json!({"message": "text"}), &config), (None, None));
    }

    #[test]
    fn paths_of_ones_own() {
        let config = PlainConfig {
            id_paths: vec!["a.b.c".to_owned()],
            number_paths: Vec::new(),
            ..PlainConfig::default()
        };
        let value = json!({"id": "no", "a": {"b": {"c": "yes"}}, "sequence_number": 3});
        assert_eq!(id_and_number(value, &config), (Some("yes".to_owned()), None));
    }
}
