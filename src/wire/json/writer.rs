//! Writes JSON without a formatter, which every page would download.

use crate::wire::MessageId;

/// A JSON object that is being written. The caller appends the closing brace.
#[derive(Default)]
pub(crate) struct Json(pub String);

impl Json {
    pub fn name(&mut self, name: &str) -> &mut Self {
        self.0.push_str(if self.0.is_empty() { "{\"" } else { ",\"" });
        self.0.push_str(name);
        self.0.push_str("\":");
        self
    }

    pub fn number(&mut self, name: &str, value: u64) -> &mut Self {
        push_number(&mut self.name(name).0, value);
        self
    }

    /// A field that is true.
    pub fn flag(&mut self, name: &str) {
        self.name(name).0.push_str("true");
    }

    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        push_text(&mut self.name(name).0, value);
        self
    }

    pub fn position(&mut self, epoch: &str, offset: u64, id: Option<MessageId>) {
        self.text("epoch", epoch).number("offset", offset);
        if let Some(id) = id {
            self.text("id", &id.text());
        }
    }

    /// Ends a chain of calls.
    pub fn end(&self) {}
}

/// Appends a number in decimal. `Display` would also do it, but adds a formatter to every page.
pub(crate) fn push_number(text: &mut String, number: u64) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// Appends a string. RFC 8259 §7: quotation mark, reverse solidus and the control characters are escaped.
pub(crate) fn push_text(json: &mut String, value: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    json.push('"');
    for c in value.chars() {
        let short = match c {
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0c' => 'f',
            '\r' => 'r',
            '"' | '\\' => c,
            '\0'..='\x1f' => {
                json.push_str("\\u00");
                json.push(char::from(HEX[c as usize >> 4]));
                json.push(char::from(HEX[c as usize & 15]));
                continue;
            }
            _ => {
                json.push(c);
                continue;
            }
        };
        json.push('\\');
        json.push(short);
    }
    json.push('"');
}
