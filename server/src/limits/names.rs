//! Which names channels, keys, clients and page loads may have.

use seamline::wire::{CHANNEL_NAME_BYTES_MAX, CHANNEL_NAME_RULE, KEY_BYTES_MAX, KEY_RULE, is_channel_name};
use seamline::wire::{LINEAGE_NAME_BYTES_MAX, LINEAGE_NAMES_MAX, code};

use crate::refusal::Refusal;

/// Checks a channel's name.
pub fn check_channel(ch: &str) -> Result<(), Refusal> {
    accept(is_channel_name(ch), code::BAD_CHANNEL, CHANNEL_NAME_RULE)
}

/// Checks an idempotency key.
pub fn check_key(key: &str) -> Result<(), Refusal> {
    accept(has_key_length(key), code::BAD_KEY, KEY_RULE)
}

/// Checks a client id.
pub fn check_client_id(client_id: &str) -> Result<(), Refusal> {
    accept(has_key_length(client_id), code::BAD_FRAME, "`client_id` has 1 to 200 bytes")
}

fn has_key_length(text: &str) -> bool {
    (1..=KEY_BYTES_MAX).contains(&text.len())
}

fn accept(valid: bool, code: &'static str, rule: &str) -> Result<(), Refusal> {
    if valid { Ok(()) } else { Err(Refusal::new(code, rule)) }
}

/// Reads the names in a lineage. It is optional.
pub fn parse_lineage(text: Option<&str>) -> Result<Vec<String>, Refusal> {
    let names: Vec<_> = text.map(|text| text.split(' ').map(str::to_owned).collect()).unwrap_or_default();
    let is_name = |name: &String| {
        (1..=LINEAGE_NAME_BYTES_MAX).contains(&name.len())
            && !name.bytes().any(|byte| byte.is_ascii_control())
    };
    let valid = names.len() <= LINEAGE_NAMES_MAX && names.iter().all(is_name);
    let rule = "`lineage` has 1 to 8 names of 1 to 40 bytes, separated by single spaces";
    accept(valid, code::BAD_FRAME, rule).map(|()| names)
}

/// An epoch in bounded memory. One that is longer than any of ours belongs to no log, and becomes empty.
pub fn bounded_epoch(epoch: String) -> String {
    if epoch.len() > KEY_BYTES_MAX { String::new() } else { epoch }
}

/// A name as it is repeated in an answer and in the logs, truncated to the length that names may have. An answer waits
/// until the client reads it, and must not be larger than that.
pub fn truncated(mut name: String) -> String {
    name.truncate(prefix(&name, CHANNEL_NAME_BYTES_MAX.max(KEY_BYTES_MAX)).len());
    name.shrink_to_fit();
    name
}

/// As much of a text as fits, in whole characters.
pub fn prefix(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lineage_is_checked() {
        assert_eq!(parse_lineage(None), Ok(vec![]));
        assert_eq!(parse_lineage(Some("b a")), Ok(vec!["b".to_owned(), "a".to_owned()]));
        let longest = ["x".repeat(40).as_str(); 8].join(" ");
        assert_eq!(parse_lineage(Some(&longest)).map(|names| names.len()), Ok(8));
        for bad in ["", " ", "a ", "a  b", "a\0b", &"x".repeat(41), &["x"; 9].join(" ")] {
            assert!(parse_lineage(Some(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn long_names_are_truncated_between_characters() {
        for (name, expected) in [("", 0), ("x", 1), (&"x".repeat(200), 200), (&"x".repeat(201), 200)] {
            assert_eq!(truncated(name.to_owned()), "x".repeat(expected));
        }
        assert_eq!(truncated("x".to_owned() + &"\u{20AC}".repeat(80)).len(), 1 + 66 * 3);
    }
}
