//! Reading the values of options, and showing them without secrets.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use hyper::Uri;

use super::{REDACTED, StoreKind};

/// What is wrong with a value; the parser of the command line adds the option and the value.
#[derive(Debug)]
pub(super) enum ValueError {
    /// The name lookup of an address failed.
    Lookup(io::Error),
    /// The name of an address has none.
    NoAddress,
    Origin,
    Store,
    Duration,
    /// A duration of zero, or one that does not fit the clock.
    DurationRange,
    AuthorizeUrl,
    /// The placeholder for a secret, such as a password.
    Redacted(&'static str),
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValueError::Lookup(e) => return write!(f, "{e}; expected an address such as 127.0.0.1:8080"),
            ValueError::Redacted(secret) => {
                return write!(f, "`{REDACTED}` is what --print-config prints instead of a {secret}");
            }
            ValueError::NoAddress => "the name has no address; expected one such as 127.0.0.1:8080",
            ValueError::Origin => {
                "expected `*`, `null`, or scheme and host such as https://app.example.com, without a path"
            }
            ValueError::Store => "expected `embedded`, or a URL such as redis://127.0.0.1:6379/0",
            ValueError::Duration => "expected a number and a unit, such as 500ms, 90s, 30m, 12h or 7d",
            ValueError::DurationRange => "expected a duration above zero, of at most 18446744073709551615ms",
            ValueError::AuthorizeUrl => {
                "expected a URL such as http://127.0.0.1:9000/authorize, without user and password"
            }
        })
    }
}

impl std::error::Error for ValueError {}

/// Takes names as well as numbers (`localhost:8080`).
pub(super) fn address(text: &str) -> Result<SocketAddr, ValueError> {
    let mut found = text.to_socket_addrs().map_err(ValueError::Lookup)?;
    found.next().ok_or(ValueError::NoAddress)
}

/// What a browser sends: scheme, host, and the port unless it is the scheme's own.
pub(super) fn origin(text: &str) -> Result<String, ValueError> {
    let named = text.split_once("://").is_some_and(|(scheme, host)| {
        !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '*', ' ', '@', '?', '#'])
    });
    match named || ["*", "null"].contains(&text) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(ValueError::Origin),
    }
}

pub(super) fn store_kind(text: &str) -> Result<StoreKind, ValueError> {
    if text.contains(REDACTED) {
        return Err(ValueError::Redacted("password"));
    }
    match text.split_once("://") {
        None if text == "embedded" => Ok(StoreKind::Embedded),
        Some(("redis" | "rediss", _)) => Ok(StoreKind::Redis(text.into())),
        _ => Err(ValueError::Store),
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, ValueError> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or(ValueError::Duration)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| ValueError::Duration)?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(ValueError::Duration),
    };
    match number.checked_mul(unit_ms) {
        None | Some(0) => Err(ValueError::DurationRange),
        Some(ms) => Ok(Duration::from_millis(ms)),
    }
}

/// The URL of a service.
pub(super) fn authorize_url(text: &str) -> Result<Uri, ValueError> {
    if text.contains(REDACTED) {
        return Err(ValueError::Redacted("query"));
    }
    let url: Uri = text.parse().map_err(|_| ValueError::AuthorizeUrl)?;
    let authority = url.authority().filter(|authority| !authority.as_str().contains('@'));
    match (url.scheme_str(), authority) {
        (Some("http" | "https"), Some(_)) => Ok(url),
        _ => Err(ValueError::AuthorizeUrl),
    }
}

/// Hides user and password in a URL, also in one that is malformed.
pub fn without_password(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}{REDACTED}@{host}"),
        None => url.into(),
    }
}

/// Hides the query of a URL, which may contain a key.
pub(super) fn without_query(url: &str) -> String {
    match url.split_once('?') {
        Some((rest, _)) => format!("{rest}?{REDACTED}"),
        None => url.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_two_kinds_of_store() {
        assert_eq!(store_kind("embedded").unwrap(), StoreKind::Embedded);
        assert_eq!(store_kind("redis://h:1/2").unwrap(), StoreKind::Redis("redis://h:1/2".into()));
        assert_eq!(store_kind("rediss://h:1").unwrap(), StoreKind::Redis("rediss://h:1".into()));
        for bad in ["", "redis", "http://h", "./data"] {
            assert!(store_kind(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn queries_are_hidden() {
        assert_eq!(without_query("http://h/may?key=hush&k=?"), "http://h/may?…");
        assert_eq!(without_query("http://h/may"), "http://h/may");
        assert!(authorize_url("http://h/may?…").unwrap_err().to_string().contains("--print-config"));
    }

    #[test]
    fn passwords_are_hidden() {
        assert_eq!(without_password("redis://u:p@ss@h:1/0"), "redis://…@h:1/0");
        assert_eq!(without_password("redis//u:p@h:1"), "…@h:1");
        assert_eq!(without_password("redis://h:1"), "redis://h:1");
        assert!(store_kind("redis://…@h:1/0").unwrap_err().to_string().contains("--print-config"));
    }

    #[test]
    fn origins_are_what_browsers_send() {
        for good in ["*", "null", "https://a.example", "http://[::1]:3000", "tauri://localhost"] {
            assert!(origin(good).is_ok(), "{good:?}");
        }
        for bad in ["", "a.example", "https://", "https://a.example/", "https://*.example", "://a"] {
            assert!(origin(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_service_url_has_scheme_and_host() {
        for good in ["http://127.0.0.1:9000/may", "https://auth.example", "http://h/a?b=c"] {
            assert!(authorize_url(good).is_ok(), "{good:?}");
        }
        for bad in ["", "h", "/may", "ftp://h", "http://", "http://u:p@h/", "http://a b/"] {
            assert!(authorize_url(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("7d").unwrap(), Duration::from_secs(7 * 86_400));
        for bad in ["", "7", "d", "0s", "-1s", "7w", "1.5h", "99999999999999999999d", "9999999999999999999d"]
        {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }
}
