//! Accepts connections and serves HTTP on them.
//!
//! The framework has a loop like this one, but without a limit on how long a client may take to send its request. A
//! client that sends one header a minute would hold its connection, and a file descriptor, forever ("slow loris"). So
//! would one that never reads its answer. With TLS, the same is true of the handshake.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::server::TlsStream;
use tower_service::Service;
use tracing::{debug, warn};

use super::proxy::{Peer, address_or_network};
use super::tls::Tls;
use crate::error::SetupError;
use crate::limits::quota::AddressLimit;

/// How many connections may wait to be accepted. When all clients reconnect at once and there is no more room, the
/// others are not refused, but try again after one second, then after two and four. The kernel has a limit of its own
/// (Linux: `net.core.somaxconn`, 4096).
const BACKLOG: u32 = 4096;
/// How much of what is written may wait unsent in the system. More would only hide how fast the link is, and a `pong`
/// would wait behind it. Bytes that were sent and not confirmed yet do not count, so a long fast link stays full.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT_BYTES_MAX: u32 = 16 * 1024;
/// A process without free file descriptors gets some back soon.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a client may take, and how many connections it may have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To complete the TLS handshake; then to send the head of its request, or to begin another one.
    pub header: Duration,
    /// To accept more of what is written to it.
    pub send: Duration,
    /// Connections of an address that are not WebSockets; 0 for no limit.
    pub per_address: u64,
}

/// Listens on an address. Returns the one that it got: port 0 is any free port.
pub fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), SetupError> {
    let bound = open(address).and_then(|listener| {
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    });
    bound.map_err(|e| {
        let advice = match e.kind() {
            io::ErrorKind::AddrInUse => "Stop the other process, or give another address with --listen.",
            _ => "Give another address with --listen.",
        };
        SetupError::new(format!("cannot listen on {address}"), e).advice(advice)
    })
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if cfg!(unix) {
        socket.set_reuseaddr(true)?; // so a restarted server gets its port at once; on other systems it would mean more
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop`, and then until every request that had begun is answered. Connections that became WebSockets do
/// not count.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header);
    let address_limit = AddressLimit::new(limits.per_address);
    let (stopping, stopped) = watch::channel(false);
    let (working, mut all_done) = mpsc::channel::<()>(1);
    let server = Arc::new(Server { http, tls, router, limits, stopped });
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (tcp, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(e) => {
                warn!("cannot accept a connection: {e}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(permit) = address_limit.acquire(address_or_network(peer.ip())) else {
            debug!("closed a connection: {peer} has too many");
            continue;
        };
        let (server, working) = (server.clone(), working.clone());
        tokio::spawn(async move {
            server.serve(tcp, peer).await;
            drop((permit, working)); // also if it became a WebSocket: those are counted separately
        });
    }
    drop((listener, working));
    stopping.send_replace(true);
    let _ = all_done.recv().await; // nobody sends: it returns when the last `working` is dropped
}

/// What all connections share. Each task has a reference: a copy would cost memory for every open connection.
struct Server {
    http: http1::Builder,
    tls: Option<Arc<Tls>>,
    router: Router,
    limits: Limits,
    /// Set when the server stops.
    stopped: watch::Receiver<bool>,
}

impl Server {
    async fn serve(&self, tcp: TcpStream, peer: SocketAddr) {
        set_options(&tcp);
        let mut io = TimeoutStream::new(tcp);
        io.set_write_timeout(Some(self.limits.send));
        let io = Box::pin(io);
        match &self.tls {
            None => self.serve_http(io, peer).await,
            Some(tls) => match self.handshake(tls, io).await {
                Ok(io) => self.serve_http(io, peer).await,
                Err(e) => debug!("the TLS handshake with {peer} failed: {e}"),
            },
        }
    }

    async fn handshake<Io: AsyncRead + AsyncWrite + Unpin>(
        &self,
        tls: &Tls,
        io: Io,
    ) -> Result<TlsStream<Io>, HandshakeError> {
        let (limit, mut stopped) = (self.limits.header, self.stopped.clone());
        tokio::select! {
            done = timeout(limit, tls.acceptor().accept(io)) => match done {
                Ok(done) => done.map_err(HandshakeError::Failed),
                Err(_) => Err(HandshakeError::TimedOut(limit)),
            },
            // The client has not asked for anything yet.
            () = stop(&mut stopped) => Err(HandshakeError::Stopped),
        }
    }

    async fn serve_http(&self, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: SocketAddr) {
        let (router, mut stopped) = (self.router.clone(), self.stopped.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            router.clone().call(request)
        });
        let connection = self.http.serve_connection(TokioIo::new(io), service).with_upgrades();
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
    Stopped,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::Failed(e) => write!(f, "{e}"),
            HandshakeError::TimedOut(limit) => write!(f, "it took longer than {limit:?}"),
            HandshakeError::Stopped => f.write_str("the server stops"),
        }
    }
}

async fn stop(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}
