//! A link between two processes that can be cut, stalled or slow: a TCP forwarder.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// The receive buffer of a slow link's sockets: small, so that the sender notices soon.
const SLOW_BUFFER_BYTES: u32 = 8 * 1024;
/// How often a slow link forwards something.
const STEPS_PER_S: u64 = 50;
const BUFFER_BYTES: usize = 16 * 1024;
const BACKLOG: u32 = 1024;

/// What applies to all connections of a link.
#[derive(Clone, Copy, Default)]
struct State {
    /// Connections that began before the last cut end.
    cuts: u64,
    /// Nothing is forwarded, and no connection ends.
    stalled: bool,
}

/// A link to an address. It forwards until the runtime ends, even if this handle is dropped.
pub struct Link {
    /// Where to connect to.
    pub address: SocketAddr,
    state: watch::Sender<State>,
}

impl Link {
    /// A link that is as fast as the machine.
    pub fn to(target: SocketAddr) -> io::Result<Link> {
        Link::start(target, None)
    }

    /// A link that forwards this many bytes a second, in each direction of each connection.
    pub fn slow(target: SocketAddr, bytes_per_s: u64) -> io::Result<Link> {
        Link::start(target, Some(bytes_per_s))
    }

    fn start(target: SocketAddr, bytes_per_s: Option<u64>) -> io::Result<Link> {
        let socket = socket(bytes_per_s)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let state = watch::Sender::new(State::default());
        let seen = state.subscribe();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, target, bytes_per_s, seen.clone()));
            }
        });
        Ok(Link { address, state })
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Stops forwarding, or goes on.
    pub fn stall(&self, stalled: bool) {
        self.state.send_modify(|state| state.stalled = stalled);
    }
}

fn socket(bytes_per_s: Option<u64>) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    if bytes_per_s.is_some() {
        socket.set_recv_buffer_size(SLOW_BUFFER_BYTES)?;
    }
    Ok(socket)
}

async fn carry(
    near: TcpStream,
    target: SocketAddr,
    bytes_per_s: Option<u64>,
    mut state: watch::Receiver<State>,
) {
    let began = state.borrow().cuts;
    let Ok(socket) = socket(bytes_per_s) else { return };
    let Ok(far) = socket.connect(target).await else { return };
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let there = forward(near_in, far_out, bytes_per_s, state.clone());
    let back = forward(far_in, near_out, bytes_per_s, state.clone());
    let cut = async {
        if state.wait_for(|state| state.cuts != began).await.is_err() {
            pending::<()>().await; // the handle is gone: nobody cuts it any more
        }
    };
    tokio::select! {
        () = there => {}
        () = back => {}
        () = cut => {}
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    bytes_per_s: Option<u64>,
    mut state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; bytes_per_s.map_or(BUFFER_BYTES, |bytes| (bytes / STEPS_PER_S) as usize)];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        state.wait_for(|state| !state.stalled).await.ok();
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
        if let Some(bytes_per_s) = bytes_per_s {
            sleep(Duration::from_micros(read as u64 * 1_000_000 / bytes_per_s)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_millis(100);

    /// Both ends of a connection over the link.
    async fn connected(link: &Link, listener: &TcpListener) -> (TcpStream, TcpStream) {
        let near = TcpStream::connect(link.address).await.expect("the link listens");
        let (far, _) = listener.accept().await.expect("the link connects");
        (near, far)
    }

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        (listener, address)
    }

    #[tokio::test]
    async fn a_stalled_link_forwards_later_and_a_cut_one_never() {
        let (listener, address) = listener().await;
        let link = Link::to(address).expect("it starts");
        let (mut near, mut far) = connected(&link, &listener).await;
        let mut byte = [0];
        link.stall(true);
        near.write_all(b"a").await.expect("it is open");
        assert!(timeout(SOON, far.read(&mut byte)).await.is_err(), "nothing comes through");
        link.stall(false);
        assert_eq!(far.read(&mut byte).await.expect("it is open"), 1);
        link.cut();
        assert_eq!(far.read(&mut byte).await.unwrap_or(0), 0);
        connected(&link, &listener).await;
    }

    #[tokio::test]
    async fn a_slow_link_takes_its_time_even_without_its_handle() {
        let (listener, address) = listener().await;
        let link = Link::slow(address, 10_000).expect("it starts");
        let (mut near, mut far) = connected(&link, &listener).await;
        drop(link);
        let start = Instant::now();
        near.write_all(&[0; 3_000]).await.expect("it is open");
        far.read_exact(&mut [0; 3_000]).await.expect("all of it comes through");
        assert!(start.elapsed() > Duration::from_millis(200), "{:?}", start.elapsed());
    }
}
