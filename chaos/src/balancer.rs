//! A load balancer in front of the nodes: forwards each connection to one of them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::random::Random;

/// Forwards until the runtime ends. Returns where to connect to.
pub async fn start(nodes: Vec<SocketAddr>, mut rng: Random) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let node = nodes[rng.between(0, nodes.len() as u64) as usize];
            tokio::spawn(async move { forward(near, node).await.ok() });
        }
    });
    Ok(address)
}

async fn forward(mut near: TcpStream, node: SocketAddr) -> io::Result<()> {
    let mut far = TcpStream::connect(node).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    copy_bidirectional(&mut near, &mut far).await?;
    Ok(())
}
