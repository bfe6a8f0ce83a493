//! Asks the nodes of a cluster what they know about it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, RedisError, RedisResult};

use super::nodes::{self, HostPort, Node, Reading};
use super::place::connect_to;

/// How long a node may take to accept a connection, and to answer. A failover is noticed that much later if one does
/// not answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// How many nodes are asked. With more, some are asked this time, and others the next time.
const NODES_MAX: usize = 16;

/// See the module.
pub(super) struct Survey {
    /// How to connect to a node, except for its address.
    pub template: Arc<ConnectionInfo>,
    /// The nodes in the URL.
    seeds: Vec<HostPort>,
    // A plain mutex: never held across an await.
    connections: Mutex<HashMap<HostPort, MultiplexedConnection>>,
}

impl Survey {
    /// `nodes` are those in the URL.
    pub fn new(nodes: Vec<ConnectionInfo>) -> Option<Self> {
        let seeds = nodes.iter().map(ConnectionInfo::addr).filter_map(host_port).collect();
        let template = Arc::new(nodes.into_iter().next()?);
        Some(Survey { template, seeds, connections: Mutex::default() })
    }

    /// The answers of these nodes, or else of the nodes in the URL. An error means that none has answered.
    pub async fn ask(&self, known: &[HostPort]) -> Result<Vec<Vec<Node>>, RedisError> {
        match self.ask_all(known).await {
            (answers, _) if !answers.is_empty() => Ok(answers),
            _ => match self.ask_all(&self.seeds).await {
                (answers, Some(e)) if answers.is_empty() => Err(e),
                (answers, _) => Ok(answers),
            },
        }
    }

    /// The answers, and the last error.
    async fn ask_all(&self, addresses: &[HostPort]) -> (Vec<Vec<Node>>, Option<RedisError>) {
        let start = match addresses.len() {
            count if count > NODES_MAX => crate::random::between(0, count as u64) as usize,
            _ => 0,
        };
        let chosen = addresses.iter().cycle().skip(start).take(addresses.len().min(NODES_MAX));
        let results = join_all(chosen.map(|address| self.ask_one(address))).await;
        let (mut answers, mut error) = (Vec::new(), None);
        for result in results {
            match result {
                Ok(answer) => answers.push(answer),
                Err(e) => error = Some(e),
            }
        }
        (answers, error)
    }

    async fn ask_one(&self, address: &HostPort) -> RedisResult<Vec<Node>> {
        let answer = self.answer(address).await;
        if answer.is_err() {
            self.connections().remove(address);
        }
        let names = matches!(self.template.addr(), ConnectionAddr::TcpTls { .. });
        Ok(nodes::parse(&answer?, Reading { asked: &address.host, names }))
    }

    async fn answer(&self, address: &HostPort) -> RedisResult<String> {
        let known = self.connections().get(address).cloned();
        let mut connection = match known {
            Some(connection) => connection,
            None => {
                let connection = self.open(address).await?;
                self.connections().insert(address.clone(), connection.clone());
                connection
            }
        };
        redis::cmd("CLUSTER").arg("NODES").query_async(&mut connection).await
    }

    /// Opens a connection to a node.
    pub async fn open(&self, address: &HostPort) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT));
        let client = Client::open(connect_to(&self.template, address))?;
        client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Closes the connections to nodes that are gone.
    pub fn forget_all_but(&self, addresses: &[HostPort]) {
        self.connections().retain(|address, _| addresses.contains(address) || self.seeds.contains(address));
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<HostPort, MultiplexedConnection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn host_port(address: &ConnectionAddr) -> Option<HostPort> {
    match address {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            Some(HostPort { host: host.clone(), port: *port })
        }
        _ => None,
    }
}
