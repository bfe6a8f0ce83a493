//! Opening connections to Redis.

use std::fmt;
use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, RedisResult};

use super::probe::{ProbeResult, probe};
use super::{COMMAND_TIMEOUT, SharedConnection};
use crate::log::redis::scripts;

pub(in crate::log::redis) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The time that one read may take: it returns more than other commands.
const READ_TIMEOUT: Duration = Duration::from_secs(4);

/// The two connections that the store needs.
pub(in crate::log::redis) struct Connections {
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
        let rejected = matches!(e.code(), Some("NOAUTH" | "WRONGPASS"));
        match rejected || matches!(e.kind(), ErrorKind::Io | ErrorKind::AuthenticationFailed) {
            true => Unusable::Unreachable(e),
            false => e.into(),
        }
    }
}

impl From<RedisError> for Unusable {
    fn from(e: RedisError) -> Self {
        Unusable::Unfit(e.to_string())
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Unreachable(e) => e.fmt(f),
            Unusable::Unfit(why) => f.write_str(why),
        }
    }
}

impl SharedConnection {
    /// Opens both connections, loads the scripts and probes Redis.
    pub async fn connect(&self) -> Result<(Connections, ProbeResult), Unusable> {
        let mut commands = self.open().await.map_err(Unusable::Unreachable)?;
        scripts::load(&mut commands).await.map_err(Unusable::from_answer)?;
        let probed = match probe(&mut commands, &self.node).await {
            ProbeResult::Broken(why) => return Err(Unusable::Unfit(why)),
            probed => probed,
        };
        let mut reading = self.open().await.map_err(Unusable::Unreachable)?;
        reading.set_response_timeout(READ_TIMEOUT);
        Ok((Connections { commands, reading }, probed))
    }

    /// Opens a connection, whatever server it leads to.
    pub async fn open(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(COMMAND_TIMEOUT));
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Opens a connection for pub/sub.
    pub async fn open_pubsub(&self) -> RedisResult<PubSub> {
        self.client.get_async_pubsub().await
    }
}
