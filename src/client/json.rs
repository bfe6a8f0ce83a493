//! JSON text, scanned in place. serde_json would cost a page 10 KB for what frames need.

use std::borrow::Cow;

/// A place in a text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    /// How much of it was read.
    pub at: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Scanner { text, at: 0 }
    }

    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Skips a byte that was peeked at.
    pub fn skip(&mut self) {
        self.at += 1;
    }

    pub fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// A value. It is checked to its end, without recursion: a payload may be nested deeply.
    pub fn value(&mut self) -> Option<&'a str> {
        let start = self.at;
        let mut open = Vec::new(); // the brackets that are to come
        loop {
            match self.peek()? {
                b'"' => drop(self.string()?),
                b'-' | b'0'..=b'9' => drop(self.number()?),
                b'{' => {
                    self.at += 1;
                    self.space();
                    if !self.eat(b'}') {
                        open.push(b'}');
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    self.space();
                    if !self.eat(b']') {
                        open.push(b']');
                        continue;
                    }
                }
                _ => self.word()?,
            }
            loop {
                let Some(close) = open.last().copied() else { return self.text.get(start..self.at) };
                self.space();
                if self.eat(b',') {
                    self.space();
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                }
                if !self.eat(close) {
                    return None;
                }
                open.pop();
            }
        }
    }

    /// A member's name, with its quotes, and what separates it from the value.
    fn key(&mut self) -> Option<&'a str> {
        let name = self.string()?;
        self.space();
        if !self.eat(b':') {
            return None;
        }
        self.space();
        Some(name)
    }

    pub fn string(&mut self) -> Option<&'a str> {
        let start = self.at;
        if !self.eat(b'"') {
            return None;
        }
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return self.text.get(start..self.at),
                b'\\' => {
                    let escaped = self.peek()?;
                    self.at += 1;
                    match escaped {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => {
                            hex(self.text.get(self.at..self.at + 4)?)?;
                            self.at += 4;
                        }
                        _ => return None,
                    }
                }
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    pub fn number(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        self.text.get(start..self.at)
    }

    pub fn word(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word))?;
        self.at += word.len();
        Some(())
    }

    /// What is between two brackets, as far as `part` accepts it, and nothing after them.
    fn parts(mut self, open: u8, close: u8, mut part: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.space();
        if !self.eat(open) {
            return None;
        }
        self.space();
        if !self.eat(close) {
            loop {
                part(&mut self)?;
                self.space();
                if self.eat(close) {
                    break;
                }
                if !self.eat(b',') {
                    return None;
                }
                self.space();
            }
        }
        self.space();
        (self.at == self.text.len()).then_some(())
    }
}

/// Whether a text is JSON.
pub(super) fn is_json(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.space();
    let is_value = scanner.value().is_some();
    scanner.space();
    is_value && scanner.at == text.len()
}

/// The members of an object: their names, and the texts of their values.
pub(super) fn members(object: &str) -> Option<Vec<(String, &str)>> {
    let mut members = Vec::new();
    Scanner::new(object).parts(b'{', b'}', |scanner| {
        // A name that is no text, because of half a surrogate pair, is nobody's.
        let name = text(scanner.key()?).unwrap_or_default();
        members.push((name, scanner.value()?));
        Some(())
    })?;
    Some(members)
}

/// The texts of an array's values.
pub(super) fn elements(array: &str) -> Option<Vec<&str>> {
    let mut elements = Vec::new();
    Scanner::new(array).parts(b'[', b']', |scanner| {
        elements.push(scanner.value()?);
        Some(())
    })?;
    Some(elements)
}

/// A string, borrowed if nothing in it is escaped.
pub(super) fn cow(json: &str) -> Option<Cow<'_, str>> {
    match escape(json).is_some() {
        true => text(json).map(Cow::Owned),
        false => Some(Cow::Borrowed(json.strip_prefix('"')?.strip_suffix('"')?)),
    }
}

/// A string.
pub(super) fn text(json: &str) -> Option<String> {
    let mut rest = json.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::with_capacity(rest.len());
    while let Some(at) = escape(rest) {
        text.push_str(rest.get(..at)?);
        let code = *rest.as_bytes().get(at + 1)?;
        rest = rest.get(at + 2..)?;
        text.push(match code {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => unicode(&mut rest)?,
            other => char::from(other),
        });
    }
    text.push_str(rest);
    Some(text)
}

/// The first backslash. `str::find` would add its search to a page.
fn escape(text: &str) -> Option<usize> {
    text.bytes().position(|byte| byte == b'\\')
}

/// The character of `\u`, which may take two of them.
fn unicode(rest: &mut &str) -> Option<char> {
    let first = unit(rest)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first);
    }
    *rest = rest.strip_prefix("\\u")?;
    let second = unit(rest).filter(|second| (0xdc00..0xe000).contains(second))?;
    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
}

/// What the next four digits state.
fn unit(rest: &mut &str) -> Option<u32> {
    let (digits, after) = rest.split_at_checked(4)?;
    *rest = after;
    hex(digits)
}

/// Four digits.
fn hex(digits: &str) -> Option<u32> {
    digits.chars().try_fold(0, |number, digit| Some(number << 4 | digit.to_digit(16)?))
}

/// An integer, 0 or more.
pub(super) fn number(json: &str) -> Option<u64> {
    json.parse().ok()
}

#[cfg(test)]
pub(super) mod samples {
    use proptest::prelude::*;
    use serde_json::Value;

    /// Texts that are nearly JSON.
    pub fn nearly_json() -> impl Strategy<Value = String> {
        let token = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\"a\"",
            "\"\\u00e9\"",
            "\"\\ud83d\\ude00\"",
            "\\",
            "\\n",
            "0",
            "-1",
            "1.5",
            "2e9",
            "01",
            "+1",
            ".5",
            "1.",
            "1e",
            "true",
            "false",
            "null",
            "nul",
            " ",
            "\n",
            "é",
            "\u{1}",
            "\u{7f}",
        ]);
        prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
    }

    /// Values of every kind.
    pub fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<i32>().prop_map(|number| Value::from(f64::from(number) / 4.0)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::samples::{any_json, nearly_json};
    use super::*;

    proptest! {
        #[test]
        fn json_is_what_serde_json_accepts(text in nearly_json()) {
            prop_assert_eq!(is_json(&text), serde_json::from_str::<&RawValue>(&text).is_ok());
        }

        #[test]
        fn values_are_read_like_by_serde_json(value in any_json(), pretty: bool) {
            let json = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let json = json.unwrap();
            prop_assert!(is_json(&json));
            prop_assert_eq!(text(&json), value.as_str().map(str::to_owned));
            prop_assert_eq!(number(&json), value.as_u64());
            let read = |json: &str| serde_json::from_str::<Value>(json).unwrap();
            let array = elements(&json).map(|elements| elements.into_iter().map(read).collect::<Vec<_>>());
            prop_assert_eq!(array.as_ref(), value.as_array());
            let object = members(&json).map(|members| members.into_iter().map(|(name, json)| (name, read(json))).collect());
            prop_assert_eq!(object.as_ref(), value.as_object());
        }
    }

    #[test]
    fn deeply_nested_values_are_scanned() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(is_json(&deep) && !is_json(&deep[1..]));
    }

    #[test]
    fn half_a_surrogate_pair_is_no_text() {
        for json in [r#""\ud83d""#, r#""\ud83d\n""#, r#""\ud83d\u0041""#, r#""\ude00""#] {
            assert!(is_json(json) && text(json).is_none(), "{json}");
        }
        assert_eq!(text(r#""\ud83d\ude00\/\\\"""#).as_deref(), Some("\u{1f600}/\\\""));
    }
}
