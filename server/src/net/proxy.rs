//! The address of a client: its own, or the one that a trusted proxy names.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

use super::forwarded::hops;
use crate::config::{Config, ForwardedHeader};

/// The peer of a request's connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Which proxies are trusted to name their clients, and where they do it.
pub struct Proxies {
    trust: Trust,
    header: ForwardedHeader,
}

enum Trust {
    /// There is no proxy: a header is the client's own.
    Nobody,
    /// Any peer is the only proxy.
    Anyone,
    Networks(Vec<IpNet>),
}

impl Proxies {
    /// As the settings say.
    pub fn new(config: &Config) -> Self {
        let trust = match (&config.trusted_proxies[..], config.trust_forwarded_for) {
            ([], false) => Trust::Nobody,
            ([], true) => Trust::Anyone,
            (networks, _) => Trust::Networks(networks.to_vec()),
        };
        Proxies { trust, header: config.forwarded_header }
    }

    /// Whether a peer is a trusted proxy.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        match &self.trust {
            Trust::Nobody => false,
            Trust::Anyone => true,
            Trust::Networks(networks) => networks.iter().any(|network| network.contains(&peer)),
        }
    }

    /// The address of the client behind a peer: the last one that is not a trusted proxy's. Each proxy adds the address
    /// of its own peer at the end, so what is before that may be invented. Where a proxy names none, its own address
    /// counts.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        for hop in hops(headers, self.header) {
            let Some(address) = hop else { break };
            client = address;
            if matches!(self.trust, Trust::Anyone) || !self.trusts(client) {
                break;
            }
        }
        client
    }
}

/// Whose connections are counted together: an address, or, of IPv6, a network, because one household has all of it.
pub fn address_or_network(ip: IpAddr) -> IpAddr {
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

    fn behind(trust: Trust) -> impl Fn(&str, &[&str]) -> String {
        let proxies = Proxies { trust, header: ForwardedHeader::XForwardedFor };
        move |peer, lines| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            proxies.client(peer.parse().unwrap(), &headers).to_string()
        }
    }

    fn networks(networks: &[&str]) -> Trust {
        Trust::Networks(networks.iter().map(|network| network.parse().unwrap()).collect())
    }

    #[test]
    fn clients_count_by_address_or_network() {
        let counted = |ip: &str| address_or_network(ip.parse().unwrap()).to_string();
        assert_eq!(counted("10.0.0.1"), "10.0.0.1");
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(counted("::ffff:10.0.0.1"), "10.0.0.1");
    }

    #[test]
    fn a_header_is_ignored_unless_a_proxy_is_trusted() {
        let client = behind(Trust::Nobody);
        assert_eq!(client("10.0.0.1", &["192.0.2.7"]), "10.0.0.1");
        let client = behind(networks(&["10.0.0.0/8"]));
        assert_eq!(client("11.0.0.1", &["192.0.2.7"]), "11.0.0.1");
        assert_eq!(client("::ffff:10.0.0.1", &["192.0.2.7"]), "192.0.2.7");
    }

    #[test]
    fn the_last_entry_counts_if_there_is_one_proxy() {
        let client = behind(Trust::Anyone);
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 192.0.2.7"]), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["6.6.6.6", "192.0.2.7"]), "192.0.2.7");
        assert_eq!(client("10.0.0.1", &["nonsense"]), "10.0.0.1");
    }

    #[test]
    fn the_last_untrusted_address_counts() {
        let client = behind(networks(&["10.0.0.0/8", "2001:db8:f::/48", "192.0.2.1/32"]));
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.1.2.3"]), "203.0.113.9");
        assert_eq!(client("2001:db8:f::1", &["6.6.6.6, 203.0.113.9:4711, 192.0.2.1:80"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 203.0.113.9", "10.1.2.3, 10.1.2.4"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["10.7.7.7, 10.1.2.3"]), "10.7.7.7", "a client inside the network");
    }

    #[test]
    fn an_unreadable_entry_ends_the_search() {
        let client = behind(networks(&["10.0.0.0/8"]));
        for unknown in ["unknown", "_x", "fe80::1%eth0", "1.2.3", "203.0.113.9:", "[2001:db8::1"] {
            assert_eq!(client("10.0.0.1", &[&format!("6.6.6.6, {unknown}")]), "10.0.0.1", "{unknown}");
            assert_eq!(client("10.0.0.1", &[&format!("{unknown}, 10.2.2.2")]), "10.2.2.2", "{unknown}");
        }
    }
}
