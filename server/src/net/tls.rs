//! TLS on the port. The certificate and its key are read at the start, and again on SIGHUP.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use crate::error::SetupError;

const CERTIFICATE_ADVICE: &str =
    "Give --tls-cert a file in PEM: it has `-----BEGIN CERTIFICATE-----`, the server's certificate first.";
const KEY_ADVICE: &str =
    "Give --tls-key a file in PEM, without a passphrase: it has `-----BEGIN PRIVATE KEY-----`.";

/// The certificate and its key, and where they were read.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    // Replaced as a whole: a handshake keeps the one it began with.
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files.
    pub fn read(certificate: &Path, key: &Path) -> Result<Tls, SetupError> {
        let config = RwLock::new(config(certificate, key)?);
        Ok(Tls { certificate: certificate.into(), key: key.into(), config })
    }

    /// Reads the files again, for new connections. Keeps the old certificate if something is wrong.
    pub fn reload(&self) -> Result<(), SetupError> {
        let config = config(&self.certificate, &self.key)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// For the handshake of one connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone().into()
    }
}

fn config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, SetupError> {
    let chain = chain(certificate)?;
    let private = private_key(key)?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| SetupError::new("cannot set up TLS", e))?;
    let config = builder.with_no_client_auth().with_single_cert(chain, private).map_err(|e| {
        let what =
            format!("cannot use the certificate {} with the key {}", certificate.display(), key.display());
        match e {
            rustls::Error::InconsistentKeys(_) => SetupError::new(what, "they do not belong together")
                .advice("Give --tls-cert and --tls-key files that belong together."),
            e => SetupError::new(what, e),
        }
    });
    let mut config = config?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()]; // a WebSocket begins with HTTP/1.1
    Ok(Arc::new(config))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let what = || format!("cannot read the certificate {}", path.display());
    let unreadable = |e| SetupError::new(what(), reason(e)).advice(CERTIFICATE_ADVICE);
    let certificates = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
    let chain = certificates.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    match chain.is_empty() {
        true => Err(SetupError::new(what(), "there is none in the file").advice(CERTIFICATE_ADVICE)),
        false => Ok(chain),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, SetupError> {
    PrivateKeyDer::from_pem_file(path).map_err(|e| {
        SetupError::new(format!("cannot read the private key {}", path.display()), reason(e))
            .advice(KEY_ADVICE)
    })
}

/// The library's own messages show what it has read, which may be part of a key.
fn reason(e: pem::Error) -> String {
    match e {
        pem::Error::Io(e) => e.to_string(),
        pem::Error::NoItemsFound => "there is none in the file that can be used".into(),
        _ => "the file is not PEM".into(),
    }
}
