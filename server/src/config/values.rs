//! Reading the values of options, and showing them without secrets.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use hyper::Uri;
use ipnet::{IpNet, Ipv4Net};

use super::{REDACTED, StoreKind};

/// The length of `::ffff:0:0/96`, which has the IPv4-mapped addresses.
const MAPPED_PREFIX_LEN: u8 = 96;

/// What is wrong with a value; the parser of the command line adds the option and the value.
#[derive(Debug)]
pub(super) enum ValueError {
    /// The name lookup of an address failed.
    Lookup(io::Error),
    /// The name of an address has none.
    NoAddress,
    Origin,
    /// Files have no origin of their own.
    FileOrigin,
    Network,
    Store,
    Duration,
    /// A duration of zero, or one that does not fit the clock.
    DurationRange,
    ServiceUrl,
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
            ValueError::FileOrigin => {
                "pages of file:// send `Origin: null`. `null` allows them, and with them sandboxed frames of any page"
            }
            ValueError::Network => "expected an address or a network, such as 10.0.0.7, 10.0.0.0/8 or fd00::/8",
            ValueError::Store => "expected `embedded`, or a URL such as redis://127.0.0.1:6379/0",
            ValueError::Duration => "expected a number and a unit, such as 500ms, 90s, 30m, 12h or 7d",
            ValueError::DurationRange => "expected a duration above zero, of at most 18446744073709551615ms",
            ValueError::ServiceUrl => {
                "expected a URL such as https://auth.example/path, without user and password"
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

/// What a browser sends: scheme and host. The port may be given even if it is the scheme's own.
pub(super) fn origin(text: &str) -> Result<String, ValueError> {
    let named = text.split_once("://").is_some_and(|(scheme, host)| {
        !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '*', ' ', '@', '?', '#'])
    });
    if text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:")) {
        return Err(ValueError::FileOrigin);
    }
    match named || ["*", "null"].contains(&text) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(ValueError::Origin),
    }
}

/// An address is a network of one. IPv4 addresses that are written as IPv6 (`::ffff:10.0.0.0/104`) are IPv4 addresses:
/// so are those that a network is compared with.
pub(super) fn network(text: &str) -> Result<IpNet, ValueError> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    let network = text.parse().or_else(|_| address()).map_err(|_| ValueError::Network)?;
    Ok(mapped(network).unwrap_or(network))
}

/// The IPv4 network, if all addresses are IPv4-mapped.
fn mapped(network: IpNet) -> Option<IpNet> {
    let IpNet::V6(network) = network else { return None };
    let prefix_len = network.prefix_len().checked_sub(MAPPED_PREFIX_LEN)?;
    Ipv4Net::new(network.addr().to_ipv4_mapped()?, prefix_len).ok().map(IpNet::V4)
}

pub(super) fn store_kind(text: &str) -> Result<StoreKind, ValueError> {
    if text.contains(REDACTED) {
        return Err(ValueError::Redacted("password"));
    }
    match text.split_once("://") {
        None if text == "embedded" => Ok(StoreKind::Embedded),
        Some((
            "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" | "redis-cluster" | "rediss-cluster",
            _,
        )) => Ok(StoreKind::Redis(text.into())),
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
pub(super) fn service_url(text: &str) -> Result<Uri, ValueError> {
    if text.contains(REDACTED) {
        return Err(ValueError::Redacted("query"));
    }
    let url: Uri = text.parse().map_err(|_| ValueError::ServiceUrl)?;
    let authority = url.authority().filter(|authority| !authority.as_str().contains('@'));
    match (url.scheme_str(), authority) {
        (Some("http" | "https"), Some(_)) => Ok(url),
        _ => Err(ValueError::ServiceUrl),
    }
}

/// Hides user and password in a URL, also in one that is malformed: what is before the host, and the options, except for
/// one that is no secret.
pub fn without_password(url: &str) -> String {
    let url = without_credentials(url);
    let Some((url, options)) = url.split_once('?') else { return url };
    let shown = |option: &str| match option.split_once('=') {
        Some(("replicas", _)) | None => option.to_owned(),
        Some((name, _)) => format!("{name}={REDACTED}"),
    };
    let options: Vec<_> = options.split('&').map(shown).collect();
    format!("{url}?{}", options.join("&"))
}

fn without_credentials(url: &str) -> String {
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
pub(crate) fn without_query(url: &str) -> String {
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
        for redis in ["rediss://h:1", "redis+sentinel://h/n", "redis-cluster://h,i", "rediss-cluster://h:1"] {
            assert_eq!(store_kind(redis).unwrap(), StoreKind::Redis(redis.into()));
        }
        for bad in ["", "redis", "http://h", "sentinel://h", "./data"] {
            assert!(store_kind(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn queries_are_hidden() {
        assert_eq!(without_query("http://h/may?key=hush&k=?"), "http://h/may?…");
        assert_eq!(without_query("http://h/may"), "http://h/may");
        assert!(service_url("http://h/may?…").unwrap_err().to_string().contains("--print-config"));
    }

    #[test]
    fn passwords_are_hidden() {
        assert_eq!(without_password("redis://u:p@ss@h:1/0"), "redis://…@h:1/0");
        assert_eq!(without_password("redis//u:p@h:1"), "…@h:1");
        assert_eq!(without_password("redis://h:1"), "redis://h:1");
        assert_eq!(
            without_password("redis+sentinel://:p@h,i/shop?replicas=1&sentinel_password=hush"),
            "redis+sentinel://…@h,i/shop?replicas=1&sentinel_password=…"
        );
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
        for file in ["file://", "file:///home/ada/page.html", "FILE://host"] {
            assert!(origin(file).unwrap_err().to_string().contains("`null` allows them"), "{file:?}");
        }
    }

    #[test]
    fn an_address_is_a_network_of_one() {
        for (text, shown) in [("10.0.0.0/8", "10.0.0.0/8"), ("10.0.0.7", "10.0.0.7/32"), ("::1", "::1/128")] {
            assert_eq!(network(text).unwrap().to_string(), shown);
        }
        for (text, shown) in [
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:10.0.0.7", "10.0.0.7/32"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), shown, "{text}");
        }
        for bad in ["", "10.0.0.0/33", "10.0.0", "proxy.example", "[::1]", "10.0.0.1:80", "10.0.0.0/8 "] {
            assert!(network(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_service_url_has_scheme_and_host() {
        for good in ["http://127.0.0.1:9000/may", "https://auth.example", "http://h/a?b=c"] {
            assert!(service_url(good).is_ok(), "{good:?}");
        }
        for bad in ["", "h", "/may", "ftp://h", "http://", "http://u:p@h/", "http://a b/"] {
            assert!(service_url(bad).is_err(), "{bad:?}");
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
