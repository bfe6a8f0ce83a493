//! Opening connections to Redis.

use std::time::Duration;
use std::{fmt, io};

use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};

use super::probe::ProbeResult;
use super::{COMMAND_TIMEOUT, SharedConnection};
use crate::log::redis::problem::{in_words, is_rejected_login};
use crate::log::redis::scripts;

pub(in crate::log::redis) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The time that one read may take: it returns more than other commands.
const READ_TIMEOUT: Duration = Duration::from_secs(4);

/// The connections that the store needs, and where they lead.
pub(in crate::log::redis) struct Connections {
    pub client: Client,
    pub commands: MultiplexedConnection,
    /// For the reader, whose large answers would delay the others.
    pub reading: MultiplexedConnection,
}

/// Why a connection cannot be used, or not any longer.
pub(in crate::log::redis) enum Unusable {
    /// Redis is unreachable, or rejects our credentials.
    Unreachable(RedisError),
    /// Redis answers, but does not do what the store needs, for this reason.
    Unfit(String),
}

impl Unusable {
    fn from_answer(e: RedisError) -> Self {
        match is_rejected_login(&e) || e.is_io_error() {
            true => Unusable::Unreachable(e),
            false => e.into(),
        }
    }

    /// Whether Redis rejects the user or the password.
    pub fn is_rejected_login(&self) -> bool {
        matches!(self, Unusable::Unreachable(e) if is_rejected_login(e))
    }
}

impl From<RedisError> for Unusable {
    fn from(e: RedisError) -> Self {
        Unusable::Unfit(in_words(&e))
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Unreachable(e) => f.write_str(&in_words(e)),
            Unusable::Unfit(why) => f.write_str(why),
        }
    }
}

impl SharedConnection {
    /// Opens the connections, loads the scripts and probes Redis.
    pub async fn connect(&self) -> Result<(Connections, ProbeResult), Unusable> {
        let client = self.endpoint.client().await.map_err(Unusable::Unreachable)?;
        let mut commands = open(&client).await.map_err(Unusable::Unreachable)?;
        scripts::load(&mut commands).await.map_err(Unusable::from_answer)?;
        let probed = match self.probe_over(&mut commands).await {
            ProbeResult::Broken(why) => return Err(Unusable::Unfit(why)),
            probed => probed,
        };
        let mut reading = open(&client).await.map_err(Unusable::Unreachable)?;
        reading.set_response_timeout(READ_TIMEOUT);
        Ok((Connections { client, commands, reading }, probed))
    }

    /// Opens a connection, whatever server it leads to.
    pub async fn open(&self) -> RedisResult<MultiplexedConnection> {
        open(&self.endpoint.client().await?).await
    }

    /// Opens a connection for pub/sub to the Redis that is in use. Also returns the number of that connection, for
    /// [`replaced`](Self::replaced).
    pub async fn open_pubsub(&self) -> RedisResult<(PubSub, u64)> {
        let (client, generation) = {
            let state = self.lock();
            let not_connected = || io::Error::from(io::ErrorKind::NotConnected);
            (state.connected.as_ref().ok_or_else(not_connected)?.client.clone(), state.generation)
        };
        Ok((client.get_async_pubsub().await?, generation))
    }
}

async fn open(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(COMMAND_TIMEOUT));
    client.get_multiplexed_async_connection_with_config(&config).await
}
