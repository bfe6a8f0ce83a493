//! What channels, keys and clients may be called.

use seamline::wire::{CHANNEL_NAME_BYTES_MAX, CHANNEL_NAME_RULE, KEY_BYTES_MAX, is_channel_name};
use seamline::wire::{LINEAGE_NAME_BYTES_MAX, LINEAGE_NAMES_MAX};

/// What is wrong with a channel's name, if anything.
pub fn channel_problem(ch: &str) -> Option<&'static str> {
    (!is_channel_name(ch)).then_some(CHANNEL_NAME_RULE)
}

/// What is wrong with an idempotency key, if anything.
pub fn key_problem(key: &str) -> Option<&'static str> {
    let fits = (1..=KEY_BYTES_MAX).contains(&key.len());
    (!fits).then_some("an idempotency key has 1 to 200 bytes")
}

/// What is wrong with a client id, if anything.
pub fn client_id_problem(client_id: &str) -> Option<&'static str> {
    let fits = (1..=KEY_BYTES_MAX).contains(&client_id.len());
    (!fits).then_some("`client_id` has 1 to 200 bytes")
}

/// The names in a lineage, which may be missing; or what is wrong with it.
pub fn lineage(text: Option<&str>) -> Result<Vec<String>, &'static str> {
    let names: Vec<_> = text.map(|text| text.split(' ').map(str::to_owned).collect()).unwrap_or_default();
    let fits = |name: &String| {
        (1..=LINEAGE_NAME_BYTES_MAX).contains(&name.len())
            && !name.bytes().any(|byte| byte.is_ascii_control())
    };
    match names.len() <= LINEAGE_NAMES_MAX && names.iter().all(fits) {
        true => Ok(names),
        false => Err("`lineage` has 1 to 8 names of 1 to 40 bytes, separated by single spaces"),
    }
}

/// An epoch as it is kept: one that is longer than any of ours is that of no log, and takes no room.
pub fn kept_epoch(epoch: String) -> String {
    if epoch.len() > KEY_BYTES_MAX { String::new() } else { epoch }
}

/// A name as it is said back, and logged: of one that is too long, as much as would be allowed. What is said back waits
/// until the client reads it, and is to be no larger than names are.
pub fn shortened(mut name: String) -> String {
    let mut end = name.len().min(CHANNEL_NAME_BYTES_MAX.max(KEY_BYTES_MAX));
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name.shrink_to_fit();
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lineage_is_read_or_refused() {
        assert_eq!(lineage(None), Ok(vec![]));
        assert_eq!(lineage(Some("b a")), Ok(vec!["b".to_owned(), "a".to_owned()]));
        assert_eq!(lineage(Some(&["x".repeat(40).as_str(); 8].join(" "))).map(|names| names.len()), Ok(8));
        for bad in ["", " ", "a ", "a  b", "a\0b", &"x".repeat(41), &["x"; 9].join(" ")] {
            assert!(lineage(Some(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_allowed_is_not_shortened_and_the_rest_is_cut_between_characters() {
        for (name, expected) in [("", 0), ("x", 1), (&"x".repeat(200), 200), (&"x".repeat(201), 200)] {
            assert_eq!(shortened(name.to_owned()), "x".repeat(expected));
        }
        assert_eq!(shortened("x".to_owned() + &"\u{20AC}".repeat(80)).len(), 1 + 66 * 3);
    }
}
