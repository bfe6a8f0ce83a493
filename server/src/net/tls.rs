//! TLS on the port: the certificate and its key, read at the start, and again on SIGHUP.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// What TLS is done with.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    // Replaced as a whole: a handshake goes on with what it began with.
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files, or says what is wrong with them.
    pub fn read(certificate: &Path, key: &Path) -> Result<Tls, String> {
        let config = RwLock::new(config(certificate, key)?);
        Ok(Tls { certificate: certificate.into(), key: key.into(), config })
    }

    /// Reads them again, for the connections to come. Keeps what it had if something is wrong.
    pub fn reload(&self) -> Result<(), String> {
        let config = config(&self.certificate, &self.key)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// Does the handshake of one connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone().into()
    }
}

fn config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, String> {
    let chain = chain(certificate)?;
    let private = private_key(key)?;
    let (certificate, key) = (certificate.display(), key.display());
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("cannot set up TLS: {e}"))?;
    let config = builder.with_no_client_auth().with_single_cert(chain, private).map_err(|e| match e {
        rustls::Error::InconsistentKeys(_) => {
            format!("the key {key} is not that of the certificate {certificate}: give the two that belong together")
        }
        e => format!("cannot use the certificate {certificate} with the key {key}: {e}"),
    });
    let mut config = config?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()]; // a WebSocket begins with HTTP/1.1
    Ok(Arc::new(config))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = path.display();
    let cannot_read = |e: pem::Error| format!("cannot read the certificate {shown}: {}", reason(&e));
    let certificates = CertificateDer::pem_file_iter(path).map_err(cannot_read)?;
    let chain = certificates.collect::<Result<Vec<_>, _>>().map_err(cannot_read)?;
    if chain.is_empty() {
        return Err(format!("{shown} has no certificate in PEM: `-----BEGIN CERTIFICATE-----`"));
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let shown = path.display();
    PrivateKeyDer::from_pem_file(path).map_err(|e| match e {
        pem::Error::NoItemsFound => format!(
            "{shown} has no private key in PEM that can be used: `-----BEGIN PRIVATE KEY-----`, without a passphrase"
        ),
        e => format!("cannot read the key {shown}: {}", reason(&e)),
    })
}

/// The library's own words show what it has read, which may be of a key.
fn reason(e: &pem::Error) -> String {
    match e {
        pem::Error::Io(e) => e.to_string(),
        _ => "it is not PEM".into(),
    }
}
