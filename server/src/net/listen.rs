//! Takes connections and serves HTTP on them.
//!
//! The framework has a loop like this one; it does not say how long a client may take to send its request. A
//! client that sends a header a minute would hold its connection, and a file descriptor, for ever ("slow loris"); so
//! would one that never takes its answer. With TLS, the same goes for its handshake.

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

use crate::limits::quota::PerAddress;
use crate::net::proxy::{Peer, address_or_network};
use crate::net::tls::Tls;

/// How many connections may wait to be taken. When all clients come back at once, those for whom there is no room are
/// not refused but try again after a second, and then after two and four. The kernel has a limit of its own (Linux:
/// `net.core.somaxconn`, 4096).
const BACKLOG: u32 = 4096;
/// So much of what is written may wait in the system unsent. More would only hide how fast the link takes it, and a
/// `pong` would wait behind it. What is on its way and not confirmed yet is not counted: a long fast link stays full.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT_BYTES_MAX: u32 = 16 * 1024;
/// When the process has no file descriptor left, some come free before long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a client may take its time over, and how much of it there may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The handshake of TLS; then sending the head of its request, or beginning another one.
    pub header: Duration,
    /// Accepting more of what is written to it.
    pub send: Duration,
    /// So many connections of an address that are no WebSockets; 0 for no limit.
    pub per_address: u64,
}

/// Listens on an address.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if cfg!(unix) {
        socket.set_reuseaddr(true)?; // a restarted server gets its port back at once; elsewhere it means more than that
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop`, and then until every request that had begun is answered. What has become a WebSocket
/// does not count.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header);
    let places = PerAddress::new(limits.per_address);
    let (stopping, stopped) = watch::channel(false);
    let (working, mut all_done) = mpsc::channel::<()>(1);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (tcp, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(e) => {
                warn!("a connection could not be taken: {e}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = places.enter(address_or_network(peer.ip())) else {
            debug!("{peer} has too many connections: closed");
            continue;
        };
        let (http, router, stopped) = (http.clone(), router.clone(), stopped.clone());
        let (tls, working) = (tls.clone(), working.clone());
        tokio::spawn(async move {
            set_options(&tcp);
            let mut io = TimeoutStream::new(tcp);
            io.set_write_timeout(Some(limits.send));
            let io = Box::pin(io);
            match tls {
                None => serve_one(http, router, io, peer, stopped).await,
                Some(tls) => match handshake(&tls, io, limits.header, stopped.clone()).await {
                    Ok(io) => serve_one(http, router, io, peer, stopped).await,
                    Err(why) => debug!("no TLS with {peer}: {why}"),
                },
            }
            drop((place, working)); // of a WebSocket, too: that is counted by itself
        });
    }
    drop((listener, working));
    stopping.send_replace(true);
    let _ = all_done.recv().await; // nobody sends: it returns when the last `working` is dropped
}

/// Without them everything works, only not as well.
fn set_options(tcp: &TcpStream) {
    let _ = tcp.set_nodelay(true); // small frames are answers that someone waits for
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket2::SockRef::from(tcp).set_tcp_notsent_lowat(UNSENT_BYTES_MAX);
}

async fn handshake<Io: AsyncRead + AsyncWrite + Unpin>(
    tls: &Tls,
    io: Io,
    limit: Duration,
    mut stopped: watch::Receiver<bool>,
) -> Result<TlsStream<Io>, String> {
    tokio::select! {
        done = timeout(limit, tls.acceptor().accept(io)) => match done {
            Ok(done) => done.map_err(|e| e.to_string()),
            Err(_) => Err(format!("not within {limit:?}")),
        },
        // Nothing has been asked yet.
        () = stop(&mut stopped) => Err("the server stops".into()),
    }
}

async fn serve_one(
    http: http1::Builder,
    router: Router,
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.clone().call(request)
    });
    let connection = http.serve_connection(TokioIo::new(io), service).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop(&mut stopped) => {
            connection.as_mut().graceful_shutdown(); // answers what has begun, and takes no more
            connection.await
        }
    };
    if let Err(e) = ended {
        debug!("a connection ended: {e}");
    }
}

async fn stop(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}
