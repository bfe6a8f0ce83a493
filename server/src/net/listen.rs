//! Accepts connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tracing::{debug, warn};

use super::serve::{Edge, Server, Service};
use crate::error::SetupError;
use crate::refusal::reason::Reason;

/// How many connections may wait to be accepted. When all clients reconnect at once and there is no more room, the
/// others are not refused, but try again after one second, then after two and four. The kernel has a limit of its own
/// (Linux: `net.core.somaxconn`, 4096).
const BACKLOG: u32 = 4096;
/// What keeps the server from accepting does not end at once: the whole system may have no file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The time from one line about that to the next.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Listens on the address of an option. Returns the one that it got: port 0 is any free port.
pub fn bind(address: SocketAddr, option: &str) -> Result<(TcpListener, SocketAddr), SetupError> {
    let bound = open(address).and_then(|listener| {
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    });
    bound.map_err(|e| {
        let advice = match e.kind() {
            io::ErrorKind::AddrInUse => "Stop the other process, or give another address with",
            _ => "Give another address with",
        };
        SetupError::new(format!("cannot listen on {address}"), e).advice(format!("{advice} {option}."))
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
pub async fn serve(listener: TcpListener, service: Service, edge: Arc<Edge>, stop: impl Future<Output = ()>) {
    let (stopping, stopped) = watch::channel(false);
    let (working, mut all_done) = mpsc::channel::<()>(1);
    let server = Arc::new(Server::new(service, edge, stopped));
    let mut failures = Failures::default();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => admit(&server, tcp, peer, working.clone()),
            Err(e) => failures.pause(&e).await,
        }
    }
    drop((listener, working));
    stopping.send_replace(true);
    let _ = all_done.recv().await; // nobody sends: it returns when the last `working` is dropped
}

/// Serves a connection, if its address may have one more.
fn admit(server: &Arc<Server>, tcp: TcpStream, peer: SocketAddr, working: mpsc::Sender<()>) {
    if server.edge.descriptors.are_scarce(&tcp) {
        return admit_from_reserve(server, tcp, peer, working);
    }
    let permit = match server.edge.address_permit(peer.ip()) {
        Ok(permit) => permit,
        Err(message) => return server.edge.refuse(peer, Reason::AddressConnections, message),
    };
    let server = server.clone();
    tokio::spawn(async move {
        server.serve(tcp, peer).await;
        drop((permit, working)); // also if it became a WebSocket: those are counted separately
    });
}

/// Answers one request: a health check, or with a refusal.
fn admit_from_reserve(server: &Arc<Server>, tcp: TcpStream, peer: SocketAddr, working: mpsc::Sender<()>) {
    let Some(permit) = server.edge.descriptors.acquire_reserve() else {
        let message = "the server has no file descriptors for more connections";
        return server.edge.refuse(peer, Reason::Descriptors, message);
    };
    let server = server.clone();
    tokio::spawn(async move {
        server.answer(tcp, peer).await;
        drop((permit, working));
    });
}

/// What `accept` reports.
#[derive(Default)]
struct Failures {
    logged: Option<Instant>,
}

impl Failures {
    /// Waits, unless the failure is that of a single connection, which ended before it was accepted.
    async fn pause(&mut self, e: &io::Error) {
        if is_of_one_connection(e) {
            return debug!("a connection ended before it was accepted: {e}");
        }
        if self.logged.is_none_or(|logged| logged.elapsed() >= LOG_INTERVAL) {
            self.logged = Some(Instant::now());
            warn!("cannot accept connections: {e}; trying again every {ACCEPT_PAUSE:?}");
        }
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// Linux also reports errors of the network here, which the connection would have met later (`man 2 accept`).
fn is_of_one_connection(e: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        e.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_lasts_is_waited_for() {
        let mut failures = Failures::default();
        let start = Instant::now();
        for _ in 0..1000 {
            failures.pause(&io::ErrorKind::ConnectionAborted.into()).await;
        }
        assert!(failures.logged.is_none());
        let (within, emfile) = (start.elapsed(), 24);
        for _ in 0..2 {
            failures.pause(&io::Error::from_raw_os_error(emfile)).await;
        }
        assert!(start.elapsed() >= within + 2 * ACCEPT_PAUSE);
        assert!(failures.logged.is_some_and(|logged| logged < start + within + ACCEPT_PAUSE), "logged once");
    }
}
