//! The address of a client: its own, or the one that a trusted proxy names.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;

/// The peer of a request's connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Whose connections are counted together: an address, or, of IPv6, a network, because one household has all of it.
/// Behind a trusted proxy it is the last address in `X-Forwarded-For`, which the client cannot forge.
pub fn client_ip(peer: SocketAddr, headers: &HeaderMap, trust_forwarded_for: bool) -> IpAddr {
    let mut named = headers.get_all("x-forwarded-for").iter().rev().filter_map(|value| value.to_str().ok());
    let last = named.next().and_then(|value| value.rsplit(',').next()?.trim().parse().ok());
    let ip = last.filter(|_| trust_forwarded_for).unwrap_or(peer.ip());
    address_or_network(ip)
}

pub(super) fn address_or_network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_count_by_address_or_network() {
        let ip = |peer: &str, forwarded: Option<&str>, trust| {
            let mut headers = HeaderMap::new();
            if let Some(forwarded) = forwarded {
                headers.insert("x-forwarded-for", forwarded.parse().unwrap());
            }
            client_ip(peer.parse().unwrap(), &headers, trust).to_string()
        };
        assert_eq!(ip("10.0.0.1:5", None, true), "10.0.0.1");
        assert_eq!(ip("[2001:db8:1:2:3:4:5:6]:5", None, false), "2001:db8:1:2::");
        assert_eq!(ip("[::ffff:10.0.0.1]:5", None, false), "10.0.0.1");
        assert_eq!(ip("10.0.0.1:5", Some("6.6.6.6, 192.0.2.7"), true), "192.0.2.7");
        assert_eq!(ip("10.0.0.1:5", Some("6.6.6.6, 192.0.2.7"), false), "10.0.0.1");
        assert_eq!(ip("10.0.0.1:5", Some("nonsense"), true), "10.0.0.1");
    }
}
