//! The digits of numbers in JSON text. A JavaScript number is exact only up to 2^53 − 1, and two larger ids
//! may become equal.

/// The digits at `path` (names joined by dots) in a JSON object. If members have the same name, the last one
/// counts, as in `JSON.parse`.
pub fn at<'a>(json: &'a str, path: &str) -> Option<&'a str> {
    let value = path.split('.').try_fold(json, member)?;
    let digits = value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    (digits > 0 && digits == value.len()).then_some(value)
}

/// A member's value. The text must be JSON.
fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = trim(object).strip_prefix('{')?;
    let mut found = None;
    loop {
        rest = trim(rest);
        let Some(key) = rest.strip_prefix('"') else { return found };
        let end = string_end(key)?;
        rest = trim(key.get(end + 1..)?).strip_prefix(':')?;
        let (value, after) = rest.split_at_checked(value_end(rest)?)?;
        if is_named(key.get(..end)?, name) {
            found = Some(trim(value));
        }
        rest = trim(after).trim_start_matches(',');
    }
}

fn trim(json: &str) -> &str {
    json.trim_matches([' ', '\t', '\n', '\r'])
}

/// The end of the string whose opening quote is before this text.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// The end of a member's value: the comma or the brace that follows it.
fn value_end(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0usize, 0);
    while let Some(&byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => at += 1 + string_end(text.get(at + 1..)?)?,
            b'{' | b'[' => depth += 1,
            b',' | b'}' if depth == 0 => return Some(at),
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Whether a key, as it is written in JSON, is this name.
fn is_named(key: &str, name: &str) -> bool {
    if !key.contains('\\') {
        return key == name;
    }
    let mut units = Vec::new();
    let mut chars = key.chars();
    while let Some(c) = chars.next() {
        let c = match (c, if c == '\\' { chars.next() } else { None }) {
            (_, Some('u')) => {
                let hex: String = chars.by_ref().take(4).collect();
                units.push(u16::from_str_radix(&hex, 16).unwrap_or(0xfffd));
                continue;
            }
            (_, Some('n')) => '\n',
            (_, Some('t')) => '\t',
            (_, Some('r')) => '\r',
            (_, Some('b')) => '\u{8}',
            (_, Some('f')) => '\u{c}',
            (_, Some(itself)) => itself,
            (itself, None) => itself,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
    units == name.encode_utf16().collect::<Vec<_>>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    #[test]
    fn numbers_keep_all_their_digits() {
        let json =
            r#" { "a" : [1, {"id": 2}], "id" : 12345678901234567890123 , "b": {"id": 9007199254740993} } "#;
        assert_eq!(at(json, "id"), Some("12345678901234567890123"));
        assert_eq!(at(json, "b.id"), Some("9007199254740993"));
        assert_eq!(at(json, "a"), None);
        assert_eq!(at(json, "b.x"), None);
        assert_eq!(at(json, "id.id"), None);
    }

    #[test]
    fn strings_and_escapes_are_skipped() {
        let json = r#"{"x":"} \" , \\","\u0069d":7,"y":"\"id\":8"}"#;
        assert_eq!(at(json, "id"), Some("7"));
        assert_eq!(at(r#"{"id":1,"id":2}"#, "id"), Some("2"), "the last one, as in JSON.parse");
        assert_eq!(at(r#"{"\ud83e\udd80":3,"a\nb":4}"#, "\u{1f980}"), Some("3"));
        assert_eq!(at(r#"{"a\nb":4}"#, "a\nb"), Some("4"));
    }

    #[test]
    fn only_whole_numbers_have_digits() {
        for value in ["1.5", "-1", "1e3", "\"1\"", "null", "[1]"] {
            assert_eq!(at(&format!("{{\"id\":{value}}}"), "id"), None, "{value}");
        }
    }

    proptest! {
        /// Among any other members, in any order.
        #[test]
        fn agrees_with_serde(
            names in proptest::collection::vec("\\PC{0,6}", 0..6), text in "\\PC{0,20}", id: u64, inner: u64,
        ) {
            let mut object = Map::new();
            for name in &names {
                object.insert(name.clone(), json!({ "id": text, (text.clone()): [names.clone()] }));
            }
            object.insert("id".to_owned(), json!(id));
            object.insert("message".to_owned(), json!({ "text": text, "id": inner }));
            let json = Value::Object(object).to_string();
            prop_assert_eq!(at(&json, "id"), Some(&*id.to_string()));
            prop_assert_eq!(at(&json, "message.id"), Some(&*inner.to_string()));
        }

        /// The text does not have to be JSON.
        #[test]
        fn any_text_is_survived(json in "[\\[\\]{}\",:\\\\ au0-9é]{0,40}") {
            at(&json, "a");
        }
    }
}
