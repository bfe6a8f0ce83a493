//! A link between two processes that can be cut and stalled: a TCP forwarder.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What all connections of a link obey.
#[derive(Clone, Copy, Default)]
struct Weather {
    /// Connections that began before the last cut end.
    cuts: u64,
    /// Nothing goes through, and nobody is told.
    stalled: bool,
}

/// See the module.
pub struct Link {
    /// Where to connect to.
    pub address: SocketAddr,
    weather: watch::Sender<Weather>,
}

impl Link {
    /// A link to a port of this machine.
    pub async fn to(port: u16) -> Result<Link> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let weather = watch::Sender::new(Weather::default());
        let seen = weather.subscribe();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, port, seen.clone()));
            }
        });
        Ok(Link { address, weather })
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// Stops, or goes on.
    pub fn stall(&self, stalled: bool) {
        self.weather.send_modify(|weather| weather.stalled = stalled);
    }
}

async fn carry(near: TcpStream, port: u16, mut weather: watch::Receiver<Weather>) {
    let began = weather.borrow().cuts;
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    tokio::select! {
        () = copy(near_in, far_out, weather.clone()) => {}
        () = copy(far_in, near_out, weather.clone()) => {}
        _ = async { weather.wait_for(|weather| weather.cuts != began).await.map(drop) } => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut weather: watch::Receiver<Weather>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if weather.wait_for(|weather| !weather.stalled).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
