//! The settings: the options with their defaults, their sources ([`sources`]), and the combinations that are refused.

mod check;
mod environment;
#[cfg(feature = "fault-injection")]
mod fault_injection;
mod file;
mod options;
mod print;
mod requested_format;
pub mod sources;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use hyper::Uri;
use ipnet::IpNet;

#[cfg(feature = "fault-injection")]
pub use fault_injection::Faults;
pub use file::FileError;
pub use values::without_password;
pub(crate) use values::without_query;
use values::{address, duration, network, origin, service_url, store_kind};

use crate::trace;

/// Where messages are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// In a file of this process, in the directory `data`.
    Embedded,
    /// In the Redis at this URL, or in the Redis Cluster.
    Redis(String),
}

/// The header in which proxies name their clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ForwardedHeader {
    /// A list of addresses.
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// What is shown instead of a secret.
const REDACTED: &str = "…";

/// The format of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line, for programs.
    Json,
}

/// The server's settings.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// TOML file with settings; its keys are the option names without the dashes
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print the settings in effect and where each comes from, as a TOML file without secrets, and exit
    #[arg(long)]
    pub print_config: bool,

    /// Address and port to listen on; port 0 picks a free port
    ///
    /// Any address other than loopback requires --token-secret, --token-key or --token-jwks-url.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = address)]
    pub listen: SocketAddr,

    /// Where messages are stored: `embedded`, or `redis://[user:password@]host:port[/db]`
    ///
    /// `rediss://` uses TLS. `redis+sentinel://[user:password@]host1,host2,…/name` asks Sentinel for the primary.
    /// `redis-cluster://[user:password@]host1,host2,…` names nodes of a Redis Cluster. With Redis, any number of servers
    /// share one store. See docs/OPERATIONS.md for how to set up Redis.
    #[arg(long, value_name = "STORE", default_value = "embedded", value_parser = store_kind)]
    pub log: StoreKind,

    /// Directory of the embedded store; created if missing
    #[arg(long, value_name = "DIR", default_value = "./seamline-data")]
    pub data: PathBuf,

    /// Open the embedded store without verifying its checksums
    ///
    /// Verification reads the whole file. With this option, corruption may surface late, or as wrong data.
    #[arg(long)]
    pub trust_store: bool,

    /// Directory of static files to serve at /
    #[arg(long, value_name = "DIR")]
    pub www: Option<PathBuf>,

    /// How many messages to keep per channel; older ones are trimmed
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub retain_messages: u64,

    /// How long to keep messages, such as 90s, 30m, 12h or 7d [default: no limit]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub retain_age: Option<Duration>,

    /// How long to keep idempotency keys at least; they are kept as long as their messages in any case
    ///
    /// It must be longer than clients keep a publication before they send it again: 7 days in a browser's storage by
    /// default (`expireMs`).
    #[arg(long, value_name = "DURATION", default_value = "8d", value_parser = duration)]
    pub retain_keys: Duration,

    /// PEM file with the server's certificate and any intermediate certificates; enables https and wss
    ///
    /// SIGHUP reloads the certificate and the key.
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the certificate's private key
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Secret that client tokens are signed with (JWT, HS256)
    ///
    /// A token needs `sub` (the user) and `exp`. Without a secret or a key, anyone may read and write every channel, so
    /// the server then listens on loopback addresses only.
    #[arg(long, value_name = "SECRET")]
    pub token_secret: Option<String>,

    /// File with the public key for client tokens, instead of a secret: PEM or JWKS
    ///
    /// RS256 needs an RSA key, ES256 a P-256 key, ES384 a P-384 key, EdDSA an Ed25519 key. In a JWKS, the token's `kid`
    /// selects the key. SIGHUP reloads the file.
    #[arg(long, value_name = "FILE")]
    pub token_key: Option<PathBuf>,

    /// URL of the public keys for client tokens, instead of a secret or a file: the JWKS of an identity provider
    ///
    /// The keys are fetched at the start, regularly, and when a token names an unknown key, at most every 10 s. While
    /// they cannot be fetched, the server keeps those it has.
    #[arg(long, value_name = "URL", value_parser = service_url)]
    pub token_jwks_url: Option<Uri>,

    /// How often to fetch the keys of --token-jwks-url
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub token_jwks_refresh: Duration,

    /// Audience that tokens must name (`aud`) [default: `aud` is not checked]
    #[arg(long, value_name = "NAME")]
    pub token_audience: Option<String>,

    /// URL of a service that authorizes users: POST {user, channel, action}, answered with 200 or 403
    ///
    /// The action is "read" or "write". The service is asked only about what the token allows. See docs/OPERATIONS.md.
    #[arg(long, value_name = "URL", value_parser = service_url)]
    pub authorize_url: Option<Uri>,

    /// How long to cache the service's answers; 0 asks every time
    #[arg(long, value_name = "MS", default_value_t = 60_000, value_parser = clap::value_parser!(u64).range(..=86_400_000))]
    pub authorize_cache_ms: u64,

    /// How long to wait for the service's answer; after that, the client has to retry
    #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(10..=10_000))]
    pub authorize_timeout_ms: u64,

    /// Origin whose pages may connect, such as https://app.example.com; `*` allows all. May be repeated
    ///
    /// Pages of the server's own host are always allowed. So are pages of this machine (localhost, 127.0.0.1, `[::1]`,
    /// any port) if the server listens on a loopback address. Requests without an origin do not come from a page and
    /// are allowed.
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub allow_origin: Vec<String>,

    /// Maximum number of sockets per IP address (per /64 for IPv6); 0 for no limit
    ///
    /// The same limit applies separately to other connections, such as those that have not sent a request yet.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub max_connections_per_ip: u64,

    /// Maximum number of sockets per user; 0 for no limit. Has no effect without tokens
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub max_connections_per_user: u64,

    /// Address or network of your proxies, such as 10.0.0.0/8. May be repeated
    ///
    /// A client's address is then the last one in X-Forwarded-For that is not a proxy's. Other peers cannot name an
    /// address.
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,

    /// Trust the one proxy in front of the server, whatever its address: the last entry of X-Forwarded-For counts
    ///
    /// Use it only if clients cannot bypass the proxy.
    #[arg(long)]
    pub trust_forwarded_for: bool,

    /// Header in which trusted proxies name the client
    ///
    /// The proxy must set it: it may pass on the other one as the client has sent it.
    #[arg(long, value_enum, default_value_t = ForwardedHeader::XForwardedFor, value_name = "HEADER")]
    pub forwarded_header: ForwardedHeader,

    /// Publications per second and socket, with bursts of five times as many; 0 for no limit
    ///
    /// Over HTTP, the limit applies per user, or per IP address without tokens.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub max_publishes_per_second: u64,

    /// How long a client may take for the TLS handshake, for a request's headers, and between two requests
    #[arg(long, value_name = "MS", default_value_t = 15_000, value_parser = clap::value_parser!(u64).range(50..=3_600_000))]
    pub header_timeout_ms: u64,

    /// How long to go on serving after SIGTERM, with /readyz at 503, before the drain begins, such as 10s [default: none]
    ///
    /// For load balancers, which need that time to send new clients elsewhere. A second signal begins the drain at once.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub drain_delay: Option<Duration>,

    /// How long a client may be silent before it pings; the server disconnects it after three times as long
    #[arg(long, value_name = "MS", default_value_t = 25_000, value_parser = clap::value_parser!(u64).range(50..=3_600_000))]
    pub heartbeat_ms: u64,

    /// Maximum size of a frame, and of a publication's body over HTTP
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u64).range(1024..=16_777_216))]
    pub max_frame_bytes: u64,

    /// Maximum number of subscriptions per socket
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_channels: u64,

    /// Memory for messages that slow subscriptions have not received yet, for all channels together
    ///
    /// Subscriptions that fall further behind read from the store again. One channel buffers at most 512 messages and 2
    /// MiB.
    #[arg(long, value_name = "BYTES", default_value_t = 67_108_864, value_parser = clap::value_parser!(u64).range(1_048_576..))]
    pub live_queue_bytes: u64,

    /// Address and port of the admin API, health and metrics; port 0 picks a free port [default: no admin API]
    ///
    /// Metrics are then here, instead of on the port of --listen. Any address other than loopback requires
    /// --admin-token. With --tls-cert, this port uses TLS as well. See docs/OPERATIONS.md.
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    pub admin_listen: Option<SocketAddr>,

    /// Secret that requests to the admin API carry as their bearer token, of 32 bytes or more
    #[arg(long, value_name = "SECRET")]
    pub admin_token: Option<String>,

    /// Format of the logs on standard error. RUST_LOG sets the level, such as seamline_server=debug
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// Traces of publications.
    #[command(flatten)]
    pub trace: trace::Options,

    /// Enable POST /debug/drop?client_id=…, which disconnects that client, for demonstrations
    #[arg(long)]
    pub demo: bool,

    /// How long a client may take to send `hello` (for tests)
    #[arg(long, hide = true, value_name = "MS", default_value_t = 10_000)]
    pub hello_timeout_ms: u64,

    /// How long a write to a client may take (for tests)
    #[arg(long, hide = true, value_name = "MS", default_value_t = 30_000)]
    pub send_timeout_ms: u64,

    /// How long an HTTP request may take, including its body (for tests)
    #[arg(long, hide = true, value_name = "MS", default_value_t = 30_000)]
    pub request_timeout_ms: u64,

    /// Faults for the server's own tests.
    #[cfg(feature = "fault-injection")]
    #[command(flatten)]
    pub faults: Faults,
}

impl Config {
    /// Whether clients need tokens.
    pub fn asks_for_tokens(&self) -> bool {
        self.token_secret.is_some() || self.token_key.is_some() || self.token_jwks_url.is_some()
    }
}
