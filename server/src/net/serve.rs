//! Serves HTTP on a connection.
//!
//! The framework has a loop like this one, but without a limit on how long a client may take to send its request. A
//! client that sends one header a minute would hold its connection, and a file descriptor, forever ("slow loris"). So
//! would one that never reads its answer. With TLS, the same is true of the handshake.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tower_service::Service as _;
use tracing::debug;

use super::descriptors::Descriptors;
use super::proxy::{Peer, Proxies, address_or_network};
use super::send_timeout::SendTimeout;
use super::tls::Tls;
use crate::limits::quota::{AddressLimit, AddressPermit};
use crate::refusal::reason::Reason;
use crate::refusal::telemetry::{Refusals, Refused};

/// How much of what is written may wait unsent in the system. More would only hide how fast the link is, and a `pong`
/// would wait behind it. Bytes that were sent and not confirmed yet do not count, so a long fast link stays full.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT_BYTES_MAX: u32 = 16 * 1024;
/// How long a connection from the reserve of file descriptors may take to send its request …
const BRIEF_HEADER_MAX: Duration = Duration::from_secs(1);
/// … and how long it may last.
const BRIEF_MAX: Duration = Duration::from_secs(5);

/// How long a client may take, and how many connections it may have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To complete the TLS handshake; then to send the head of its request, or to begin another one.
    pub header: Duration,
    /// To accept more of what is written to it.
    pub send: Duration,
    /// Connections of an address that are not WebSockets; 0 for no limit. Trusted proxies have none.
    pub per_address: u64,
}

/// What all listeners share: limits, and the account of what is refused.
pub struct Edge {
    limits: Limits,
    pub(super) descriptors: Descriptors,
    address_limit: Arc<AddressLimit>,
    proxies: Arc<Proxies>,
    refusals: Arc<Refusals>,
}

impl Edge {
    /// Without connections yet.
    pub fn new(
        limits: Limits,
        descriptors: Descriptors,
        proxies: Arc<Proxies>,
        refusals: Arc<Refusals>,
    ) -> Arc<Self> {
        let address_limit = AddressLimit::new(limits.per_address);
        Arc::new(Edge { limits, descriptors, address_limit, proxies, refusals })
    }

    /// Allows a connection that is not a WebSocket; `None` for a trusted proxy, whose connections are its clients'.
    pub(super) fn address_permit(&self, ip: IpAddr) -> Result<Option<AddressPermit>, String> {
        if self.proxies.trusts(ip) {
            return Ok(None);
        }
        let max = self.limits.per_address;
        let too_many = || format!("this address has {max} connections besides its sockets, the maximum");
        self.address_limit.acquire(address_or_network(ip)).map(Some).ok_or_else(too_many)
    }

    /// Counts and logs a refusal.
    pub(super) fn refuse(&self, peer: SocketAddr, reason: Reason, message: impl ToString) {
        let refused = Refused { reason, message: message.to_string(), user: None };
        self.refusals.record(peer.ip().to_canonical(), refused);
    }
}

/// What a listener serves.
pub struct Service {
    /// The certificate, if it serves https.
    pub tls: Option<Arc<Tls>>,
    /// What is answered.
    pub router: Router,
    /// What is answered while file descriptors are scarce.
    pub overloaded: Router,
}

/// What all connections of a listener share. Each task has a reference: a copy would cost memory for every open
/// connection.
pub(super) struct Server {
    pub edge: Arc<Edge>,
    service: Service,
    http: http1::Builder,
    /// One request, which must come soon.
    brief_http: http1::Builder,
    /// Set when the server stops.
    stopped: watch::Receiver<bool>,
}

impl Server {
    pub fn new(service: Service, edge: Arc<Edge>, stopped: watch::Receiver<bool>) -> Self {
        let http = |header| {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(header);
            http
        };
        let header = edge.limits.header;
        let mut brief_http = http(header.min(BRIEF_HEADER_MAX));
        brief_http.keep_alive(false);
        Server { http: http(header), brief_http, edge, service, stopped }
    }

    pub async fn serve(&self, tcp: TcpStream, peer: SocketAddr) {
        self.serve_with(tcp, peer, &self.http, &self.service.router).await;
    }

    /// Answers one request while file descriptors are scarce.
    pub async fn answer(&self, tcp: TcpStream, peer: SocketAddr) {
        let answered = self.serve_with(tcp, peer, &self.brief_http, &self.service.overloaded);
        let _ = timeout(BRIEF_MAX, answered).await;
    }

    async fn serve_with(&self, tcp: TcpStream, peer: SocketAddr, http: &http1::Builder, router: &Router) {
        set_options(&tcp);
        let io = SendTimeout::new(tcp, self.edge.limits.send);
        match &self.service.tls {
            None => self.serve_http(io, peer, http, router).await,
            Some(tls) => match self.handshake(tls, io).await {
                Ok(io) => self.serve_http(io, peer, http, router).await,
                Err(HandshakeError::Left) => debug!("{peer} left during the TLS handshake"),
                Err(HandshakeError::Stopped) => {}
                Err(e) => self.edge.refuse(peer, Reason::Tls, format!("the TLS handshake failed: {e}")),
            },
        }
    }

    async fn handshake<Io: AsyncRead + AsyncWrite + Unpin>(
        &self,
        tls: &Tls,
        io: Io,
    ) -> Result<TlsStream<Io>, HandshakeError> {
        let (limit, mut stopped) = (self.edge.limits.header, self.stopped.clone());
        tokio::select! {
            done = timeout(limit, tls.acceptor().accept(io)) => match done {
                Ok(done) => done.map_err(HandshakeError::from),
                Err(_) => Err(HandshakeError::TimedOut(limit)),
            },
            // The client has not asked for anything yet.
            () = stop(&mut stopped) => Err(HandshakeError::Stopped),
        }
    }

    async fn serve_http(
        &self,
        io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: SocketAddr,
        http: &http1::Builder,
        router: &Router,
    ) {
        let (router, mut stopped) = (router.clone(), self.stopped.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            router.clone().call(request)
        });
        let connection = http.serve_connection(TokioIo::new(io), service).with_upgrades();
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop(&mut stopped) => {
                connection.as_mut().graceful_shutdown(); // answers what has begun, and accepts no more
                connection.await
            }
        };
        if let Err(e) = ended {
            debug!("a connection ended: {e}");
        }
    }
}

/// Everything works without these, only less well.
fn set_options(tcp: &TcpStream) {
    let _ = tcp.set_nodelay(true); // small frames are answers that a client waits for
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket2::SockRef::from(tcp).set_tcp_notsent_lowat(UNSENT_BYTES_MAX);
}

/// Why there is no TLS with a client.
enum HandshakeError {
    Failed(io::Error),
    TimedOut(Duration),
    /// The client has closed the connection: a load balancer may only look whether the port is open.
    Left,
    Stopped,
}

impl From<io::Error> for HandshakeError {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => HandshakeError::Left,
            _ => HandshakeError::Failed(e),
        }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::Failed(e) => write!(f, "{e}"),
            HandshakeError::TimedOut(limit) => write!(f, "it took longer than {limit:?}"),
            HandshakeError::Left => f.write_str("the client left"),
            HandshakeError::Stopped => f.write_str("the server stops"),
        }
    }
}

async fn stop(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}
