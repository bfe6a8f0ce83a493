//! A self-signed certificate for 127.0.0.1.

use std::sync::Arc;

use tempfile::TempDir;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

pub struct Certificate {
    directory: TempDir,
    der: CertificateDer<'static>,
}

impl Certificate {
    pub fn new() -> Certificate {
        let directory = TempDir::new().unwrap();
        let der = write(&directory);
        Certificate { directory, der }
    }

    /// The file with the certificate.
    pub fn file(&self) -> String {
        self.path("certificate.pem")
    }

    /// The file with its key.
    pub fn key(&self) -> String {
        self.path("key.pem")
    }

    /// Replaces the files with a new certificate.
    pub fn renew(&mut self) {
        self.der = write(&self.directory);
    }

    /// For clients that trust only the current certificate.
    pub fn connector(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_root_certificates(roots).with_no_client_auth()).into()
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }
}

fn write(directory: &TempDir) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    std::fs::write(directory.path().join("certificate.pem"), made.cert.pem()).unwrap();
    std::fs::write(directory.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}
