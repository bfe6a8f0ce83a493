//! Reads an object's id and number at the configured paths.

use super::{Incoming, PlainConfig, digits};
use crate::wire::push_number;

/// A JSON value, in any representation.
pub trait Object: Sized {
    /// A member; `None` if this is not an object.
    fn member(&self, name: &str) -> Option<Self>;
    /// A text.
    fn as_text(&self) -> Option<String>;
    /// An integer, 0 or more, if it is exact.
    fn as_integer(&self) -> Option<u64>;
    /// Whether it is a number too large to be exact: only the text has its digits.
    fn is_rounded(&self) -> bool;
}

/// Reads the id and number of an object. `json` returns the text that it was parsed from.
pub fn read<O: Object>(object: O, json: impl Fn() -> String, config: &PlainConfig) -> Incoming<O> {
    let decimals = |value: &O, path: &str| match value.as_integer() {
        Some(integer) => Some(decimal(integer)),
        None if value.is_rounded() => digits::at(&json(), path).map(str::to_owned),
        None => None,
    };
    let id = find(&object, &config.id_paths, |value, path| {
        // Some servers use their database's integers as ids.
        value.as_text().filter(|text| !text.is_empty()).or_else(|| decimals(value, path))
    });
    let number = find(&object, &config.number_paths, |value, path| {
        let number = value.as_integer().or_else(|| {
            decimals(value, path).map(|digits| digits.parse().unwrap_or(u64::MAX)) // too many of them
        });
        number.filter(|&number| number > 0) // a position's first offset is 1, so a 0 cannot be one
    });
    Incoming { id, number, object }
}

fn decimal(integer: u64) -> String {
    let mut text = String::new();
    push_number(&mut text, integer);
    text
}

fn find<O: Object, T>(object: &O, paths: &[String], read: impl Fn(&O, &str) -> Option<T>) -> Option<T> {
    paths.iter().find_map(|path| {
        let mut names = path.split('.');
        let first = object.member(names.next()?)?;
        let value = names.try_fold(first, |value, name| value.member(name))?;
        read(&value, path)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::plain::NUMBER_MAX;

    impl Object for Value {
        fn member(&self, name: &str) -> Option<Value> {
            self.get(name).cloned()
        }
        fn as_text(&self) -> Option<String> {
            self.as_str().map(str::to_owned)
        }
        fn as_integer(&self) -> Option<u64> {
            self.as_u64().filter(|&integer| integer <= NUMBER_MAX)
        }
        fn is_rounded(&self) -> bool {
            self.as_f64().is_some_and(|number| number > NUMBER_MAX as f64)
        }
    }

    fn id_and_number(value: Value, config: &PlainConfig) -> (Option<String>, Option<u64>) {
        let json = value.to_string();
        let Incoming { id, number, .. } = read(value, || json.clone(), config);
        (id, number)
    }

    #[test]
    fn ids_and_numbers_of_known_servers_are_found() {
        let config = PlainConfig::default();
        let flat = json!({"stream_id": "5-0", "id": "uuid", "type": "message.new", "sequence_number": 41});
        assert_eq!(id_and_number(flat, &config), (Some("5-0".to_owned()), Some(41)));
        let nested = json!({"type": "message", "message": {"id": "uuid", "sequence_number": 41}});
        assert_eq!(id_and_number(nested, &config), (Some("uuid".to_owned()), Some(41)));
        assert_eq!(id_and_number(json!({"type": "typing", "user_id": "u"}), &config), (None, None));
        assert_eq!(id_and_number(json!({"id": 7}), &config), (Some("7".to_owned()), None));
    }

    #[test]
    fn large_integers_keep_their_digits() {
        let config = PlainConfig::default();
        for large in [(1u64 << 53), (1 << 53) + 1, u64::MAX] {
            let object = json!({"message": {"id": large, "sequence_number": large}});
            assert_eq!(id_and_number(object, &config), (Some(large.to_string()), Some(large)));
        }
        let larger =
            r#"{"id": 123456789012345678901234567890, "sequence_number": 123456789012345678901234567890}"#;
        let Incoming { id, number, .. } =
            read(larger.parse::<Value>().unwrap(), || larger.to_owned(), &config);
        assert_eq!(id.as_deref(), Some("123456789012345678901234567890"));
        assert_eq!(number, Some(u64::MAX));
    }

    #[test]
    fn values_of_the_wrong_type_are_ignored() {
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
    fn configured_paths_replace_the_defaults() {
        let config = PlainConfig {
            id_paths: vec!["a.b.c".to_owned()],
            number_paths: Vec::new(),
            ..PlainConfig::default()
        };
        let value = json!({"id": "no", "a": {"b": {"c": "yes"}}, "sequence_number": 3});
        assert_eq!(id_and_number(value, &config), (Some("yes".to_owned()), None));
    }
}
