//! The HTTP client for the services that an operator names: the one that authorizes, the one that publishes keys,
//! and the collector of traces.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tracing::warn;

use super::resolver::Resolver;
use crate::config::without_query;
use crate::error::SetupError;

/// A client for one service.
pub type HttpClient = Client<HttpsConnector<HttpConnector<Resolver>>, Body>;

/// For the URL of this option. `risk` is what anyone on the path can do without TLS.
pub fn client(option: &str, url: &Uri, risk: &str) -> Result<HttpClient, SetupError> {
    if url.scheme_str() == Some("http") && !url.host().is_some_and(is_private) {
        warn!(
            "{option} {} is not encrypted: anyone on the path can {risk}; use https",
            without_query(&url.to_string())
        );
    }
    let builder = HttpsConnectorBuilder::new();
    let provider = ring::default_provider();
    // The machine's certificates have to be there only if they are needed.
    let builder = if url.scheme_str() == Some("https") {
        let no_roots = |e| {
            SetupError::new(format!("cannot use {option} {url}"), e).advice(
                "https needs the machine's CA certificates: install them (on Debian, ca-certificates).",
            )
        };
        builder.with_provider_and_native_roots(provider).map_err(no_roots)?
    } else {
        let config =
            ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions();
        let config = config.map_err(|e| SetupError::new("cannot set up TLS", e))?;
        builder.with_tls_config(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    };
    let mut tcp = HttpConnector::new_with_resolver(Resolver::new());
    tcp.enforce_http(false); // https goes through here, too
    let connector = builder.https_or_http().enable_http1().wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// Whether a host is on this machine or in a private network, as far as its name shows: one without a dot is resolved by
/// the local network, as in a Docker network.
fn is_private(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            let private = ["localhost", "local", "internal", "svc"];
            host.rsplit_once('.').is_none_or(|(_, last)| private.contains(&last))
        }
    }
}

/// An error with its causes: they have the reason.
pub fn with_causes(e: &dyn Error) -> String {
    let causes = std::iter::successors(Some(e), |e| (*e).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_hosts_are_recognized() {
        for host in [
            "127.0.0.1",
            "localhost",
            "LOCALHOST",
            "a.localhost",
            "10.1.2.3",
            "192.168.0.1",
            "169.254.1.1",
            "[::1]",
            "[fd00::1]",
            "[fe80::1]",
            "[::ffff:10.0.0.1]",
            "auth",
            "auth.svc.cluster.local",
            "auth.team.svc",
        ] {
            assert!(is_private(host), "{host}");
        }
        for host in
            ["auth.example", "203.0.113.9", "[2001:db8::1]", "[::ffff:203.0.113.9]", "localhost.example"]
        {
            assert!(!is_private(host), "{host}");
        }
    }
}
