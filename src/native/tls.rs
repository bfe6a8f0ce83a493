//! TLS for `wss:` URLs: by default with the certificates that the operating system trusts.

use std::sync::{Arc, OnceLock};

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::client::ClientBuilder;

impl ClientBuilder {
    /// How `wss:` connections are secured: certificates that are trusted, or one that this client presents.
    /// [`rustls`](crate::rustls) is the library's version. Default: what the operating system trusts, or what the
    /// environment variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.platform_settings().tls = Some(config);
        self
    }
}

/// The system's certificates are read once per process: there are hundreds.
static SYSTEM: OnceLock<Arc<ClientConfig>> = OnceLock::new();

/// Trusts what the operating system trusts, or what the environment variables `SSL_CERT_FILE` and `SSL_CERT_DIR`
/// name. Reads files. An error is a sentence.
pub(super) fn system() -> Result<Arc<ClientConfig>, String> {
    if let Some(config) = SYSTEM.get() {
        return Ok(Arc::clone(config));
    }
    let config = Arc::new(trusting(system_roots()?)?);
    Ok(Arc::clone(SYSTEM.get_or_init(|| config)))
}

fn system_roots() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let cause = found.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
    Err(format!(
        "no trusted root certificates were found{cause}; install the system's certificates, such as the package \
         ca-certificates, or name a file in SSL_CERT_FILE"
    ))
}

fn trusting(roots: RootCertStore) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("cannot set up TLS: {error}"))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()]; // a WebSocket begins with HTTP/1.1
    Ok(config)
}
