//! Reads the header in which proxies name their clients: `X-Forwarded-For`, or `Forwarded` (RFC 7239).
//!
//! A client may send such a header as well, with anything in it. What a proxy adds is at the end, so it is read from
//! there, line by line. A client must not be able to hide what a proxy has added, or to pass for it: an entry that
//! cannot be read is an entry all the same, and quotes are obeyed. The crates that read `Forwarded` split it at commas
//! and semicolons inside of quotes, where a proxy may have put the client's own `Host`.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::ForwardedHeader;

/// The addresses that the proxies name, the last one first; `None` for an entry without a readable address.
pub(super) fn hops(headers: &HeaderMap, header: ForwardedHeader) -> Hops<'_> {
    let (name, read): (_, fn(&HeaderValue) -> Hops<'_>) = match header {
        ForwardedHeader::XForwardedFor => (HeaderName::from_static("x-forwarded-for"), x_forwarded_for),
        ForwardedHeader::Forwarded => (HeaderName::from_static("forwarded"), forwarded),
    };
    Box::new(headers.get_all(name).iter().rev().flat_map(read))
}

/// Read one by one: there may be many, and few are needed.
type Hops<'h> = Box<dyn Iterator<Item = Option<IpAddr>> + 'h>;

fn x_forwarded_for(line: &HeaderValue) -> Hops<'_> {
    // Bytes: an entry that is not ASCII must not make the others unreadable.
    let entries = line.as_bytes().rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let entries = entries.filter(|entry| !entry.is_empty());
    Box::new(entries.map(|entry| std::str::from_utf8(entry).ok().and_then(address)))
}

fn forwarded(line: &HeaderValue) -> Hops<'_> {
    let elements = std::str::from_utf8(line.as_bytes()).ok().and_then(|line| split(line, ','));
    let Some(elements) = elements else { return Box::new(std::iter::once(None)) };
    let elements = elements.into_iter().rev().filter(|element| !element.trim().is_empty());
    Box::new(elements.map(|element| address(&unquoted(node(element)?))))
}

/// The value of `for`, if the element has exactly one.
fn node(element: &str) -> Option<&str> {
    let pairs = split(element, ';')?;
    let pairs = pairs.into_iter().filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (_, value) = values.next()?;
    values.next().is_none().then_some(value.trim())
}

/// Splits a text outside of quoted strings (RFC 9110 §5.6.4); `None` if one does not end.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(|c| {
        let literal = std::mem::take(&mut escaped);
        match c {
            '\\' if quoted && !literal => escaped = true,
            '"' if !literal => quoted = !quoted,
            _ => {}
        }
        c == separator && !quoted
    });
    let parts = parts.collect();
    (!quoted).then_some(parts)
}

fn unquoted(value: &str) -> String {
    match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        Some(value) => value.replace('\\', ""),
        None => value.to_owned(),
    }
}

/// An address with or without a port, and of IPv6 with or without brackets. A port may be obfuscated (`_x`).
fn address(text: &str) -> Option<IpAddr> {
    let text = text.rsplit_once(":_").map_or(text, |(address, _)| address);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let address = text.parse::<IpAddr>().ok().or_else(with_port).or_else(in_brackets);
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: ForwardedHeader, lines: &[&[u8]]) -> Vec<String> {
        let name = match header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_bytes(line).unwrap());
        }
        hops(&headers, header).map(|hop| hop.map_or("-".into(), |hop| hop.to_string())).collect()
    }

    #[test]
    fn addresses_have_ports_and_brackets() {
        for (text, expected) in [
            ("203.0.113.9", "203.0.113.9"),
            ("203.0.113.9:4711", "203.0.113.9"),
            ("203.0.113.9:_port", "203.0.113.9"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]:_port", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("[::ffff:203.0.113.9]:1", "203.0.113.9"),
        ] {
            assert_eq!(address(text).map(|address| address.to_string()).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "unknown",
            "_x",
            "203.0.113",
            "203.0.113.9:",
            "203.0.113.9:99999",
            "[203.0.113.9]",
            "[::1",
            "::1]:1",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn entries_of_all_lines_are_read_from_the_end() {
        let read = |lines: &[&[u8]]| read(ForwardedHeader::XForwardedFor, lines);
        assert_eq!(read(&[b"1.1.1.1, 2.2.2.2:80", b"unknown,[::3]:443"]), ["::3", "-", "2.2.2.2", "1.1.1.1"]);
        assert_eq!(read(&[b"1.1.1.1,, ,"]), ["1.1.1.1"]);
        assert_eq!(read(&[b"\xff\xfe, 2.2.2.2"]), ["2.2.2.2", "-"], "what a client sends hides nothing");
        assert_eq!(read(&[]), [""; 0]);
    }

    #[test]
    fn forwarded_elements_are_read_from_the_end() {
        let read = |lines: &[&[u8]]| read(ForwardedHeader::Forwarded, lines);
        let line = br#"for=192.0.2.43, For="[2001:db8:cafe::17]:4711";proto=https;by=203.0.113.43"#;
        assert_eq!(read(&[line]), ["2001:db8:cafe::17", "192.0.2.43"]);
        assert_eq!(read(&[b"for=1.1.1.1", b"for=2.2.2.2 ; host=a"]), ["2.2.2.2", "1.1.1.1"]);
        assert_eq!(read(&[b"for=unknown, for=_hidden, proto=http, ,"]), ["-", "-", "-"]);
    }

    #[test]
    fn a_hostile_forwarded_header_names_nobody_else() {
        let read = |line: &[u8]| read(ForwardedHeader::Forwarded, &[line]);
        let host = br#"for=1.1.1.1;host="a,for=6.6.6.6;b=\",for=7.7.7.7""#;
        assert_eq!(read(host), ["1.1.1.1"], "what is in quotes is a value");
        assert_eq!(read(br#"for="6.6.6.6, for=1.1.1.1"#), ["-"], "a quote that does not end");
        assert_eq!(read(b"for=1.1.1.1;for=6.6.6.6"), ["-"], "two are none");
        assert_eq!(read(b"\xff, for=1.1.1.1"), ["-"]);
    }
}
