//! How values are read, and shown.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use hyper::Uri;

use super::{HIDDEN, StoreKind};

/// Takes names as well as numbers (`localhost:8080`).
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|e| format!("{e}; expected such as 127.0.0.1:8080"))?;
    found.next().ok_or_else(|| "the name has no address".into())
}

/// What a browser sends: scheme, host, and the port unless it is the scheme's own.
pub(super) fn origin(text: &str) -> Result<String, String> {
    const HELP: &str =
        "expected `*`, `null`, or scheme and host such as https://app.example.com, with no path";
    let named = text.split_once("://").is_some_and(|(scheme, host)| {
        !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '*', ' ', '@', '?', '#'])
    });
    if named || ["*", "null"].contains(&text) { Ok(text.to_ascii_lowercase()) } else { Err(HELP.into()) }
}

pub(super) fn store_kind(text: &str) -> Result<StoreKind, String> {
    if text.contains(HIDDEN) {
        return Err(format!("`{HIDDEN}` stands for a password that --print-config does not show"));
    }
    match text.split_once("://") {
        None if text == "embedded" => Ok(StoreKind::Embedded),
        Some(("redis" | "rediss", _)) => Ok(StoreKind::Redis(text.into())),
        _ => Err("expected `embedded`, or a URL such as redis://127.0.0.1:6379/0".into()),
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const HELP: &str = "expected a number and a unit, such as 500ms, 90s, 30m, 12h or 7d";
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or(HELP)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| HELP)?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(HELP.into()),
    };
    match number.checked_mul(unit_ms) {
        None | Some(0) => Err("expected a duration above zero that fits the clock".into()),
        Some(ms) => Ok(Duration::from_millis(ms)),
    }
}

/// Of a service.
pub(super) fn authorize_url(text: &str) -> Result<Uri, String> {
    const HELP: &str = "expected a URL such as http://127.0.0.1:9000/authorize, without user and password";
    if text.contains(HIDDEN) {
        return Err(format!("`{HIDDEN}` stands for a query that --print-config does not show"));
    }
    let url: Uri = text.parse().map_err(|_| HELP)?;
    let authority = url.authority().filter(|authority| !authority.as_str().contains('@'));
    match (url.scheme_str(), authority) {
        (Some("http" | "https"), Some(_)) => Ok(url),
        _ => Err(HELP.into()),
    }
}

/// A URL as it may be shown: without user and password, also where it is no good URL.
pub fn without_password(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}{HIDDEN}@{host}"),
        None => url.into(),
    }
}

/// A URL as it may be shown: without its query, in which there may be a key.
pub(super) fn without_query(url: &str) -> String {
    match url.split_once('?') {
        Some((rest, _)) => format!("{rest}?{HIDDEN}"),
        None => url.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_one_of_two_homes() {
        assert_eq!(store_kind("embedded"), Ok(StoreKind::Embedded));
        assert_eq!(store_kind("redis://h:1/2"), Ok(StoreKind::Redis("redis://h:1/2".into())));
        assert_eq!(store_kind("rediss://h:1"), Ok(StoreKind::Redis("rediss://h:1".into())));
        for bad in ["", "redis", "http://h", "./data"] {
            assert!(store_kind(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn queries_are_not_shown() {
        assert_eq!(without_query("http://h/may?key=hush&k=?"), "http://h/may?…");
        assert_eq!(without_query("http://h/may"), "http://h/may");
        assert!(authorize_url("http://h/may?…").unwrap_err().contains("--print-config"));
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("redis://u:p@ss@h:1/0"), "redis://…@h:1/0");
        assert_eq!(without_password("redis//u:p@h:1"), "…@h:1");
        assert_eq!(without_password("redis://h:1"), "redis://h:1");
        assert!(store_kind("redis://…@h:1/0").unwrap_err().contains("--print-config"));
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
    fn a_service_has_a_url() {
        for good in ["http://127.0.0.1:9000/may", "https://auth.example", "http://h/a?b=c"] {
            assert!(authorize_url(good).is_ok(), "{good:?}");
        }
        for bad in ["", "h", "/may", "ftp://h", "http://", "http://u:p@h/", "http://a b/"] {
            assert!(authorize_url(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        for bad in ["", "7", "d", "0s", "-1s", "7w", "1.5h", "99999999999999999999d", "9999999999999999999d"]
        {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }
}
