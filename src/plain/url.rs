//! The query of a URL: the parameters that an attempt adds, and those that are already there.

/// The URL with parameters set, in place of those of the same name.
pub fn with_parameters(url: &str, parameters: &[(&str, &str)]) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let kept = query.split('&').filter(|pair| {
        let name = name_of(pair);
        !pair.is_empty() && parameters.iter().all(|(set, _)| *set != name)
    });
    let mut text = base.to_owned();
    let mut mark = '?';
    for pair in kept {
        text.push(mark);
        text.push_str(pair);
        mark = '&';
    }
    for (name, value) in parameters {
        text.push(mark);
        text.push_str(name);
        text.push('=');
        encode(value, &mut text);
        mark = '&';
    }
    text
}

/// The decoded value of a parameter of the URL.
pub fn parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let pair = query.split('&').find(|pair| name_of(pair) == name)?;
    Some(decode(pair.split_once('=').map_or("", |(_, value)| value)))
}

fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}

/// RFC 3986 §2.3: all but the unreserved characters as `%XX`.
fn encode(value: &str, text: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// Decodes `%XX`, and `+` as a space, as in forms. Any other `%` stays as it is.
fn decode(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                bytes.push(hex(*high).unwrap_or(0) << 4 | hex(*low).unwrap_or(0));
                rest = after;
            }
            _ => bytes.push(first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_added_and_replaced() {
        let set = |url| with_parameters(url, &[("token", "a b"), ("last_message_id", "5-0")]);
        assert_eq!(set("ws://h/ws"), "ws://h/ws?token=a%20b&last_message_id=5-0");
        assert_eq!(set("ws://h/ws?"), "ws://h/ws?token=a%20b&last_message_id=5-0");
        assert_eq!(
            set("ws://h/ws?conversation_id=c&token=old&x"),
            "ws://h/ws?conversation_id=c&x&token=a%20b&last_message_id=5-0"
        );
        assert_eq!(with_parameters("ws://h/ws?a=1", &[]), "ws://h/ws?a=1");
    }

    #[test]
    fn a_parameter_is_read() {
        let read = |name| parameter("ws://h/ws?conversation_id=a%20b%2B+c&x&y=%zz%4&q=%4g%g4", name);
        assert_eq!(read("conversation_id").as_deref(), Some("a b+ c"));
        assert_eq!(read("x").as_deref(), Some(""));
        assert_eq!(read("y").as_deref(), Some("%zz%4"));
        assert_eq!(read("q").as_deref(), Some("%4g%g4"), "both digits, or none");
        assert_eq!(read("z"), None);
        assert_eq!(parameter("ws://h/ws", "x"), None);
    }

    proptest! {
        #[test]
        fn written_parameters_are_read_back(value: String, url in "ws://h/ws(\\?[a-z=&%+]{0,20})?") {
            let written = with_parameters(&url, &[("token", &value)]);
            prop_assert_eq!(parameter(&written, "token"), Some(value));
        }
    }
}
