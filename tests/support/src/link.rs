//! A link between two processes that can be cut, stalled, slow or long: a TCP forwarder.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// The receive buffer of a slow link's sockets: small, so that the sender notices soon.
const SLOW_BUFFER_BYTES: u32 = 8 * 1024;
/// How often a slow link forwards something.
const STEPS_PER_S: u64 = 50;
/// How late a step of a slow link may be and still be made up for.
const LATE_MAX: Duration = Duration::from_millis(300);
const BUFFER_BYTES: usize = 16 * 1024;
/// How many buffers may be on a long link at a time. It is far more than what any sender has in flight.
const IN_TRANSIT_MAX: usize = 4096;
const BACKLOG: u32 = 1024;

/// What applies to all connections of a link.
#[derive(Clone, Copy, Default)]
struct State {
    /// Connections that began before the last cut end.
    cuts: u64,
    /// Nothing is forwarded, and no connection ends.
    stalled: bool,
    /// New connections end at once.
    refusing: bool,
}

/// What distinguishes a link from a cable on this machine.
#[derive(Clone, Copy, Default)]
enum Shape {
    #[default]
    Fast,
    /// The bytes per second, in each direction of each connection.
    Slow(u64),
    /// How long a byte takes.
    Delayed(Duration),
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
        Link::start(target, Shape::Fast)
    }

    /// A link that forwards this many bytes a second, in each direction of each connection.
    pub fn slow(target: SocketAddr, bytes_per_s: u64) -> io::Result<Link> {
        Link::start(target, Shape::Slow(bytes_per_s))
    }

    /// A link on which each byte takes this long, in each direction, however many there are. A connection to it is
    /// accepted at once.
    pub fn delayed(target: SocketAddr, one_way: Duration) -> io::Result<Link> {
        Link::start(target, Shape::Delayed(one_way))
    }

    fn start(target: SocketAddr, shape: Shape) -> io::Result<Link> {
        let socket = socket(shape)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let state = watch::Sender::new(State::default());
        let seen = state.subscribe();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let is_refused = seen.borrow().refusing;
                if !is_refused {
                    tokio::spawn(carry(near, target, shape, seen.clone()));
                }
            }
        });
        Ok(Link { address, state })
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Ends all connections and refuses new ones, or accepts them again.
    pub fn refuse(&self, refusing: bool) {
        self.state.send_modify(|state| {
            state.refusing = refusing;
            state.cuts += u64::from(refusing);
        });
    }

    /// Stops forwarding, or goes on.
    pub fn stall(&self, stalled: bool) {
        self.state.send_modify(|state| state.stalled = stalled);
    }
}

fn socket(shape: Shape) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    if let Shape::Slow(_) = shape {
        socket.set_recv_buffer_size(SLOW_BUFFER_BYTES)?;
    }
    Ok(socket)
}

async fn carry(near: TcpStream, target: SocketAddr, shape: Shape, mut state: watch::Receiver<State>) {
    let began = state.borrow().cuts;
    let Ok(socket) = socket(shape) else { return };
    let Ok(far) = socket.connect(target).await else { return };
    if near.set_nodelay(true).and(far.set_nodelay(true)).is_err() {
        return;
    }
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let there = forward(near_in, far_out, shape, state.clone());
    let back = forward(far_in, near_out, shape, state.clone());
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
    shape: Shape,
    mut state: watch::Receiver<State>,
) {
    let buffer_bytes = match shape {
        Shape::Delayed(one_way) => return delay(from, to, one_way).await,
        Shape::Slow(bytes_per_s) => (bytes_per_s / STEPS_PER_S) as usize,
        Shape::Fast => BUFFER_BYTES,
    };
    let mut buffer = vec![0; buffer_bytes];
    let mut due = Instant::now();
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        state.wait_for(|state| !state.stalled).await.ok();
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
        if let Shape::Slow(bytes_per_s) = shape {
            // On a busy machine a step may be late: the next one makes up for it, so that the link has its speed.
            let earliest = Instant::now().checked_sub(LATE_MAX).unwrap_or(due);
            due = due.max(earliest) + Duration::from_micros(read as u64 * 1_000_000 / bytes_per_s);
            sleep_until(due).await;
        }
    }
}

/// Reads while it waits, so that the delay does not limit the bytes per second.
async fn delay(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, one_way: Duration) {
    let (sender, mut in_transit) = mpsc::channel(IN_TRANSIT_MAX);
    let depart = async move {
        loop {
            let mut bytes = Vec::with_capacity(BUFFER_BYTES);
            let (Ok(1..), Ok(room)) = (from.read_buf(&mut bytes).await, sender.reserve().await) else {
                break;
            };
            room.send((Instant::now() + one_way, bytes));
        }
    };
    let arrive = async move {
        while let Some((at, bytes)) = in_transit.recv().await {
            sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(depart, arrive);
}

#[cfg(test)]
mod tests {
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

    #[tokio::test]
    async fn a_long_link_delays_bytes_without_slowing_them() {
        const ONE_WAY: Duration = Duration::from_millis(60);
        let (listener, address) = listener().await;
        let link = Link::delayed(address, ONE_WAY).expect("it starts");
        let (mut near, mut far) = connected(&link, &listener).await;
        let start = Instant::now();
        for _ in 0..100 {
            near.write_all(&[0; 1000]).await.expect("it is open");
        }
        far.read_exact(&mut [0; 100_000]).await.expect("all of it comes through");
        assert!(start.elapsed() >= ONE_WAY, "{:?}", start.elapsed());
        assert!(start.elapsed() < 20 * ONE_WAY, "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn a_refusing_link_ends_connections() {
        let (listener, address) = listener().await;
        let link = Link::to(address).expect("it starts");
        let (mut near, _far) = connected(&link, &listener).await;
        link.refuse(true);
        assert_eq!(near.read(&mut [0]).await.unwrap_or(0), 0);
        let mut refused = TcpStream::connect(link.address).await.expect("it listens");
        assert_eq!(refused.read(&mut [0]).await.unwrap_or(0), 0);
        link.refuse(false);
        connected(&link, &listener).await;
    }
}
