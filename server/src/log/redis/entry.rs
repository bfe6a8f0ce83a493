//! The entries of a stream, and the messages in them.

use std::sync::Arc;

use seamline::wire::MessageId;
use serde::de::IgnoredAny;

use crate::log::Message;

/// An entry as Redis returns it: the id, then the names and values of the fields in turn. All are bytes, because anyone
/// may have added the entry.
pub(super) type Raw = (Vec<u8>, Vec<Vec<u8>>);

/// The epoch and the message; `None` for a foreign entry.
pub(super) fn parse((id, fields): &Raw) -> Option<(&str, Message)> {
    let [o, offset, e, epoch, d, data] = fields.as_slice() else { return None };
    if (&**o, &**e, &**d) != (b"o", b"e", b"d") {
        return None;
    }
    let (id, offset) = (text(id)?.parse().ok()?, text(offset)?.parse().ok()?);
    Some((text(epoch)?, Message { offset, id, data: payload(data)? }))
}

/// The payload, if it is JSON. Anything else would corrupt the frame that contains it.
pub(super) fn payload(data: &[u8]) -> Option<Arc<str>> {
    let json = text(data)?;
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    Some(json.into())
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// The id.
pub(super) fn id((id, _): &Raw) -> Option<MessageId> {
    text(id)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(id: &str, fields: &[&[u8]]) -> Raw {
        (id.into(), fields.iter().map(|field| field.to_vec()).collect())
    }

    #[test]
    fn foreign_entries_are_not_messages() {
        let ours = raw("5-1", &[b"o", b"7", b"e", b"x", b"d", b"{}"]);
        let (epoch, message) = parse(&ours).unwrap();
        assert_eq!((epoch, message.offset, &*message.data), ("x", 7, "{}"));
        for (id, fields) in [
            ("5-1", &[b"a" as &[u8], b"1"][..]),
            ("5-1", &[b"o", b"-7", b"e", b"x", b"d", b"{}"]),
            ("5-1", &[b"o", b"\xff", b"e", b"x", b"d", b"{}"]),
            ("5-1", &[b"o", b"7", b"x", b"e", b"d", b"{}"]),
            ("5-1", &[b"o", b"7", b"e", b"\xff", b"d", b"{}"]),
            ("5-1", &[b"o", b"7", b"e", b"x", b"d", b"\"\xff\""]),
            ("5-1", &[b"o", b"7", b"e", b"x", b"d", b"{},{}"]),
            ("5-1", &[b"o", b"7", b"e", b"x", b"d", b""]),
            ("5", &[b"o", b"7", b"e", b"x", b"d", b"{}"]),
            ("5-1", &[]),
        ] {
            assert_eq!(parse(&raw(id, fields)), None, "{id} {fields:?}");
        }
    }
}
