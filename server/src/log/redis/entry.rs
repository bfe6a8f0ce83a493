//! An entry of a stream, and the message in it.

use std::sync::Arc;

use crate::log::Message;

/// As Redis gives it: the id, and the fields' names and values in turn.
pub(super) type Raw = (String, Vec<String>);

/// The epoch and the message; nothing where the entry was not written by us.
pub(super) fn parse((id, fields): Raw) -> Option<(String, Message)> {
    let [o, offset, e, epoch, d, data] = <[String; 6]>::try_from(fields).ok()?;
    if (o.as_str(), e.as_str(), d.as_str()) != ("o", "e", "d") {
        return None;
    }
    let message = Message { offset: offset.parse().ok()?, id: id.parse().ok()?, data: Arc::from(data) };
    Some((epoch, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(id: &str, fields: &[&str]) -> Raw {
        (id.into(), fields.iter().map(|field| field.to_string()).collect())
    }

    #[test]
    fn only_our_own_entries_are_messages() {
        let (epoch, message) = parse(raw("5-1", &["o", "7", "e", "x", "d", "{}"])).unwrap();
        assert_eq!((epoch.as_str(), message.offset, &*message.data), ("x", 7, "{}"));
        for (id, fields) in [
            ("5-1", &["a", "1"][..]),
            ("5-1", &["o", "-7", "e", "x", "d", "{}"]),
            ("5-1", &["o", "7", "x", "e", "d", "{}"]),
            ("5", &["o", "7", "e", "x", "d", "{}"]),
            ("5-1", &[]),
        ] {
            assert_eq!(parse(raw(id, fields)), None, "{id} {fields:?}");
        }
    }
}
