//! TLS: a certificate that the client trusts, or not.

use std::process::Command;
use std::sync::Arc;

use futures::StreamExt;
use seamline::{StartFrom, State};
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::server::Server;
use crate::support::*;

/// The name of the test that another process runs, and of the URL that is given to it.
const CHILD: &str = "tls::the_child_publishes";
const CHILD_URL: &str = "TLS_TEST_URL";

/// A server with a self-signed certificate.
struct Secure {
    server: Server,
    certificate: CertificateDer<'static>,
    directory: TempDir,
}

impl Secure {
    async fn start() -> Secure {
        let directory = TempDir::new().unwrap();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let file = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(file("certificate.pem"), made.cert.pem()).unwrap();
        std::fs::write(file("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let options = ["--tls-cert", &file("certificate.pem"), "--tls-key", &file("key.pem")];
        let server = Server::start(&options).await;
        Secure { server, certificate: made.cert.der().clone(), directory }
    }

    fn url(&self) -> String {
        self.server.url().replacen("ws:", "wss:", 1)
    }
}

#[tokio::test]
async fn a_configured_certificate_is_trusted() {
    let secure = Secure::start().await;
    let mut roots = RootCertStore::empty();
    roots.add(secure.certificate.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let client = at(&secure.url()).tls(Arc::new(config)).connect().unwrap();
    let mut channel = client.channel("room", StartFrom::Start).unwrap();
    client.publish("room", "secret").await.unwrap();
    assert_eq!(next_message(&mut channel).await.json::<String>().unwrap(), "secret");
}

#[tokio::test]
async fn an_unknown_certificate_is_rejected() {
    let secure = Secure::start().await;
    let client = at(&secure.url()).connect().unwrap();
    let waiting = next_state(&mut client.states().boxed(), "waiting").await;
    assert!(
        matches!(&waiting, State::Waiting { reason, .. } if reason.message.contains("TLS with 127.0.0.1 failed")),
        "{waiting:?}"
    );
}

/// The environment is that of the process, so another process connects.
#[tokio::test]
async fn ssl_cert_file_names_what_is_trusted() {
    let secure = Secure::start().await;
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", CHILD, "--ignored"]).env(CHILD_URL, secure.url());
    child.env("SSL_CERT_FILE", secure.directory.path().join("certificate.pem"));
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test]
#[ignore = "another test runs it in a process of its own"]
async fn the_child_publishes() {
    let client = at(&std::env::var(CHILD_URL).unwrap()).connect().unwrap();
    client.publish("room", "secret").await.unwrap();
}
