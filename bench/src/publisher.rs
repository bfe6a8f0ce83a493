//! Publishes to the one channel of all measurements.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, timeout_at};

use crate::peer::{Kind, Peer};
use crate::socket::{Event, Socket};

const ACK_TIMEOUT: Duration = Duration::from_secs(60);

/// The one socket that publishes.
pub struct Publisher {
    socket: Socket,
    pub published: u64,
    acknowledged: u64,
}

impl Publisher {
    /// Connects, and waits until it may publish.
    pub async fn connect(kind: Kind, port: u16) -> Result<Publisher> {
        let opened = Socket::open(port, Peer::publisher(kind)).await;
        let mut socket = opened.map_err(|(_, e)| e)?;
        while !matches!(socket.next().await?, Event::Ready) {}
        Ok(Publisher { socket, published: 0, acknowledged: 0 })
    }

    /// Publishes without waiting for the acknowledgment.
    pub async fn publish(&mut self, data: &str) -> Result<()> {
        self.published += 1;
        self.socket.publish(data).await
    }

    /// Receives acknowledgments until then.
    pub async fn listen_until(&mut self, deadline: Instant) -> Result<()> {
        while let Ok(event) = timeout_at(deadline, self.socket.next()).await {
            self.acknowledged += u64::from(matches!(event?, Event::Acknowledged));
        }
        Ok(())
    }

    /// Waits until everything is acknowledged.
    pub async fn all_acknowledged(&mut self) -> Result<()> {
        let deadline = Instant::now() + ACK_TIMEOUT;
        while self.acknowledged < self.published {
            let event = timeout_at(deadline, self.socket.next()).await??;
            self.acknowledged += u64::from(matches!(event, Event::Acknowledged));
        }
        Ok(())
    }
}
