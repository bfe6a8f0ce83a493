//! A slow link: a TCP forwarder that lets so many bytes a second through, each way. It keeps little itself, so that who
//! sends notices.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::Server;

/// How much the system may keep for the forwarder.
const BUFFER_BYTES: u32 = 8 * 1024;
/// How often it forwards something.
const STEPS_PER_S: u64 = 50;

/// The address of a link to the server.
pub fn slow_link(server: &Server, bytes_per_s: u64) -> String {
    let server: SocketAddr = server.address.parse().unwrap();
    let socket = small_socket();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let listener = socket.listen(16).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(far) = small_socket().connect(server).await else { return };
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::select! {
                    () = forward(near_in, far_out, bytes_per_s) => {}
                    () = forward(far_in, near_out, bytes_per_s) => {}
                }
            });
        }
    });
    address
}

fn small_socket() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(BUFFER_BYTES).unwrap();
    socket
}

async fn forward(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, bytes_per_s: u64) {
    let mut buffer = vec![0; (bytes_per_s / STEPS_PER_S) as usize];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_micros(read as u64 * 1_000_000 / bytes_per_s)).await;
    }
}
