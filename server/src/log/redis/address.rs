//! The value of `--log` for Redis: the address of one Redis, of the Sentinels that know it, or of nodes of a cluster.

use std::fmt;

use redis::{ConnectionInfo, IntoConnectionInfo, RedisError};

/// The port of a Sentinel whose address has none.
const SENTINEL_PORT: u16 = 26379;
/// More replicas than this cannot be required.
const REPLICAS_MAX: usize = 16;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub target: Target,
    /// How many replicas must have what is acknowledged or delivered.
    pub replicas: usize,
}

/// How Redis is found.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// At this address.
    Fixed(ConnectionInfo),
    /// These Sentinels know the address of the primary.
    Sentinel {
        sentinels: Vec<ConnectionInfo>,
        name: String,
        /// How to connect to the primary, except for its address.
        primary: ConnectionInfo,
    },
    /// These nodes of a Redis Cluster know the others.
    Cluster { nodes: Vec<ConnectionInfo> },
}

/// What is wrong with a URL.
#[derive(Debug)]
pub(super) enum AddressError {
    Scheme,
    /// Redis's own rules.
    Redis(RedisError),
    /// Several hosts, where one is expected.
    Hosts,
    NoHost,
    NoName,
    /// A cluster has no other database than 0.
    Database(String),
    Replicas(String),
    Option(String),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Scheme => {
                let others = "redis+sentinel, rediss+sentinel, redis-cluster and rediss-cluster";
                write!(f, "the scheme is none of redis, rediss, {others}")
            }
            AddressError::Redis(e) => e.fmt(f),
            AddressError::Hosts => f.write_str("it has several hosts"),
            AddressError::NoHost => f.write_str("a host is missing"),
            AddressError::NoName => f.write_str("the name of the primary is missing"),
            AddressError::Database(database) => {
                write!(f, "it names the database `{database}`, but a Redis Cluster has only database 0")
            }
            AddressError::Replicas(value) => {
                write!(f, "`replicas={value}` is not a number from 0 to {REPLICAS_MAX}")
            }
            AddressError::Option(name) => write!(f, "the option `{name}` is unknown"),
        }
    }
}

impl AddressError {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            AddressError::Hosts => {
                "Give one address; or the Sentinels: --log redis+sentinel://host1,host2,host3/name-of-the-primary; or \
                 nodes of a cluster: --log redis-cluster://host1,host2,host3."
            }
            AddressError::Database(_) => {
                "Remove the database from the URL: --log redis-cluster://host1,host2,host3."
            }
            AddressError::NoName => {
                "Give the name that Sentinel monitors: --log redis+sentinel://host1,host2/name."
            }
            AddressError::Option(_) | AddressError::Replicas(_) => {
                "The options are replicas, sentinel_user and sentinel_password."
            }
            _ => "Give a URL such as redis://127.0.0.1:6379/0 with --log.",
        }
    }
}

impl From<RedisError> for AddressError {
    fn from(e: RedisError) -> Self {
        AddressError::Redis(e)
    }
}

/// The parts of a URL.
struct Parts<'a> {
    scheme: &'a str,
    /// Up to the `@`, inclusive.
    credentials: &'a str,
    hosts: Vec<&'a str>,
    path: Vec<&'a str>,
    options: Options<'a>,
}

#[derive(Default)]
struct Options<'a> {
    replicas: usize,
    sentinel_user: &'a str,
    sentinel_password: &'a str,
}

impl Address {
    /// `redis://[user:password@]host[:port][/db]` or `redis+sentinel://[user:password@]host[:port],…/name[/db]`, with
    /// options after `?`; or `redis-cluster://[user:password@]host[:port],…`. With `rediss`, connections use TLS.
    pub fn parse(url: &str) -> Result<Address, AddressError> {
        let parts = Parts::of(url)?;
        let target = match parts.scheme {
            "redis" => parts.fixed("")?,
            "rediss" => parts.fixed("s")?,
            "redis+sentinel" => parts.sentinel("")?,
            "rediss+sentinel" => parts.sentinel("s")?,
            "redis-cluster" => parts.cluster("")?,
            "rediss-cluster" => parts.cluster("s")?,
            _ => return Err(AddressError::Scheme),
        };
        Ok(Address { target, replicas: parts.options.replicas })
    }
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once("://").ok_or(AddressError::Scheme)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        // A password may contain a slash.
        let (credentials, rest) = rest.split_at(rest.rfind('@').map_or(0, |at| at + 1));
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.split('/').filter(|part| !part.is_empty()).collect();
        let hosts = hosts.split(',').collect();
        Ok(Parts { scheme, credentials, hosts, path, options: Options::of(query)? })
    }

    fn fixed(&self, tls: &str) -> Result<Target, AddressError> {
        let [host] = self.hosts[..] else { return Err(AddressError::Hosts) };
        let (credentials, path) = (self.credentials, self.path.join("/"));
        Ok(Target::Fixed(format!("redis{tls}://{credentials}{host}/{path}").into_connection_info()?))
    }

    fn sentinel(&self, tls: &str) -> Result<Target, AddressError> {
        let (&name, db) = self.path.split_first().ok_or(AddressError::NoName)?;
        let Options { sentinel_user: user, sentinel_password: password, .. } = self.options;
        let has_credentials = !(user.is_empty() && password.is_empty());
        let credentials = if has_credentials { format!("{user}:{password}@") } else { String::new() };
        let mut sentinels = Vec::new();
        for host in &self.hosts {
            if host.is_empty() {
                return Err(AddressError::NoHost);
            }
            let address = format!("redis{tls}://{credentials}{}", with_port(host));
            sentinels.push(address.into_connection_info()?);
        }
        let (credentials, db) = (self.credentials, db.join("/"));
        let primary = format!("redis{tls}://{credentials}{}/{db}", self.hosts[0]).into_connection_info()?;
        Ok(Target::Sentinel { sentinels, name: name.into(), primary })
    }
}

impl Parts<'_> {
    fn cluster(&self, tls: &str) -> Result<Target, AddressError> {
        let database = self.path.join("/");
        if !["", "0"].contains(&database.as_str()) {
            return Err(AddressError::Database(database));
        }
        let credentials = self.credentials;
        let mut nodes = Vec::new();
        for host in &self.hosts {
            if host.is_empty() {
                return Err(AddressError::NoHost);
            }
            nodes.push(format!("redis{tls}://{credentials}{host}").into_connection_info()?);
        }
        Ok(Target::Cluster { nodes })
    }
}

impl<'a> Options<'a> {
    fn of(query: &'a str) -> Result<Self, AddressError> {
        let mut options = Options::default();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=').unwrap_or((option, "")) {
                ("replicas", value) => {
                    let number = value.parse().ok().filter(|number| *number <= REPLICAS_MAX);
                    options.replicas = number.ok_or_else(|| AddressError::Replicas(value.into()))?;
                }
                ("sentinel_user", value) => options.sentinel_user = value,
                ("sentinel_password", value) => options.sentinel_password = value,
                (name, _) => return Err(AddressError::Option(name.into())),
            }
        }
        Ok(options)
    }
}

/// Adds Sentinel's own port to an address that has none.
fn with_port(host: &str) -> String {
    let after_brackets = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
    match after_brackets.contains(':') {
        true => host.into(),
        false => format!("{host}:{SENTINEL_PORT}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(infos: &[ConnectionInfo]) -> Vec<String> {
        infos.iter().map(|info| info.addr().to_string()).collect()
    }

    #[test]
    fn one_redis_has_one_address() {
        let address = Address::parse("rediss://ada:a%2Fb@h:1/2?replicas=1").unwrap();
        assert_eq!(address.replicas, 1);
        let Target::Fixed(info) = address.target else { panic!("{address:?}") };
        assert_eq!(info.redis_settings().db(), 2);
        assert_eq!((info.addr().to_string(), info.redis_settings().password()), ("h:1".into(), Some("a/b")));
    }

    #[test]
    fn sentinels_have_a_port_and_credentials_of_their_own() {
        let url = "redis+sentinel://:a@s1,s2:7,[::1],[::1]:8/shop/3?sentinel_user=bob&sentinel_password=b";
        let address = Address::parse(url).unwrap();
        let Target::Sentinel { sentinels, name, primary } = address.target else { panic!("{address:?}") };
        assert_eq!(primary.redis_settings().db(), 3);
        assert_eq!(shown(&sentinels), ["s1:26379", "s2:7", "::1:26379", "::1:8"]);
        let settings = sentinels[0].redis_settings();
        assert_eq!((settings.username(), settings.password(), settings.db()), (Some("bob"), Some("b"), 0));
        assert_eq!((name.as_str(), primary.redis_settings().password()), ("shop", Some("a")));
    }

    #[test]
    fn a_cluster_has_nodes_and_one_database() {
        for url in
            ["rediss-cluster://bob:b@n1,n2:7,[::1]:8?replicas=2", "rediss-cluster://bob:b@n1,n2:7,[::1]:8/0"]
        {
            let address = Address::parse(url).unwrap();
            let Target::Cluster { nodes } = address.target else { panic!("{address:?}") };
            assert_eq!(shown(&nodes), ["n1:6379", "n2:7", "::1:8"]);
            let settings = nodes[2].redis_settings();
            assert_eq!((settings.username(), settings.password()), (Some("bob"), Some("b")));
        }
    }

    #[test]
    fn bad_urls_are_explained() {
        for (url, problem) in [
            ("redis//h", "scheme"),
            ("http://h", "scheme"),
            ("redis://a,b", "several hosts"),
            ("redis+sentinel://a,b", "name of the primary"),
            ("redis+sentinel://a,,b/shop", "host is missing"),
            ("redis+sentinel://a:x/shop", "URL"),
            ("redis-cluster://a,b/1", "`1`"),
            ("redis-cluster://a,,b", "host is missing"),
            ("redis://h?replicas=many", "replicas=many"),
            ("redis://h?replicas=17", "from 0 to 16"),
            ("redis://h?wait=1", "`wait`"),
        ] {
            let found = Address::parse(url).unwrap_err().to_string();
            assert!(found.contains(problem), "{url}: {found}");
        }
    }
}
