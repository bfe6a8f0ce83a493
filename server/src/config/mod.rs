//! The settings: what there is to set, where it comes from ([`sources`]), and what is not to be run.

mod file;
mod print;
pub mod sources;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use hyper::Uri;

pub use values::without_password;
use values::{address, authorize_url, duration, origin, store_kind};

/// Where the log is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// In a file of this process, in the directory `data`.
    Embedded,
    /// In the Redis at this URL.
    Redis(String),
}

/// What is shown instead of a secret.
const HIDDEN: &str = "…";

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// The server's settings.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// TOML file with options, named as here without the dashes
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print the options that are in effect, as such a file, and where each comes from. Secrets are left out
    #[arg(long)]
    pub print_config: bool,

    /// Address and port to listen on; port 0 takes a free one
    ///
    /// Any address but a loopback one asks for --token-secret or --token-key.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = address)]
    pub listen: SocketAddr,

    /// Where the log is kept: `embedded` in this process, or `redis://[user:password@]host:port[/db]`
    ///
    /// `rediss://` is with TLS. With Redis, any number of servers share a log. See docs/OPERATIONS.md for how to set Redis up.
    #[arg(
        long,
        value_name = "HOME",
        default_value = "embedded",
        value_parser = store_kind
    )]
    pub log: StoreKind,

    /// Directory of the embedded log; created if it is not there
    #[arg(long, value_name = "DIR", default_value = "./seamline-data")]
    pub data: PathBuf,

    /// Trust the embedded log's file when it is opened, instead of verifying its checksums
    ///
    /// Verifying reads the whole file. A damaged one that is trusted may be found out late, or ill.
    #[arg(long)]
    pub trust_store: bool,

    /// Directory of static files to serve at /
    #[arg(long, value_name = "DIR")]
    pub www: Option<PathBuf>,

    /// How many messages every channel keeps; older ones are trimmed
    ///
    /// Idempotency keys are kept as long as their message, and for 24 hours at the least.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub retain_messages: u64,

    /// How long messages are kept, such as 90s, 30m, 12h or 7d [default: no limit]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub retain_age: Option<Duration>,

    /// File with the server's certificate and those between it and the root (PEM): then it speaks https and wss
    ///
    /// Both files are read again on SIGHUP.
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// File with the certificate's private key (PEM)
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Secret of the tokens (JWT, HS256) that clients must bring
    ///
    /// A token needs `sub`, the user, and `exp`. Without a secret everyone may read and write
    /// everything, so the server then listens on loopback addresses only.
    #[arg(long, value_name = "SECRET")]
    pub token_secret: Option<String>,

    /// File with the public key of the tokens, instead of a secret: PEM or a JWKS, RSA for RS256, P-256 for ES256
    ///
    /// It is read again on SIGHUP. Of a JWKS, the key is taken that the token names (`kid`).
    #[arg(long, value_name = "FILE")]
    pub token_key: Option<PathBuf>,

    /// Tokens must be for this audience (`aud`) [default: `aud` is not looked at]
    #[arg(long, value_name = "NAME")]
    pub token_audience: Option<String>,

    /// URL of a service that is asked, too, what a user may do: POST {user, channel, action}, 200 or 403
    ///
    /// The action is "read" or "write". It is asked only what the token allows. See docs/OPERATIONS.md.
    #[arg(long, value_name = "URL", value_parser = authorize_url)]
    pub authorize_url: Option<Uri>,

    /// How long an answer of that service counts; 0 to ask each time
    #[arg(long, value_name = "MS", default_value_t = 60_000, value_parser = clap::value_parser!(u64).range(..=86_400_000))]
    pub authorize_cache_ms: u64,

    /// How long that service may take; then the answer is: not now
    #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(10..=10_000))]
    pub authorize_timeout_ms: u64,

    /// Pages of this origin may use the server, such as https://app.example.com; `*` for all. May be repeated
    ///
    /// Pages of the server's own host always may, and of this machine (localhost, 127.0.0.1, `[::1]`, any port) if
    /// the server listens on a loopback address. What has no origin is no page, and is not refused.
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub allow_origin: Vec<String>,

    /// How many sockets an IP address (an IPv6 /64) may have open; 0 for no limit
    ///
    /// As many other connections as well, such as those that have not asked for anything yet.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub max_connections_per_ip: u64,

    /// How many sockets a user may have open; 0 for no limit. Does not count without tokens
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub max_connections_per_user: u64,

    /// Clients' addresses are the last in X-Forwarded-For: for a server that only a proxy can reach
    #[arg(long)]
    pub trust_forwarded_for: bool,

    /// How many messages a socket may publish per second, and five times as many at once; 0 for no limit
    ///
    /// Over HTTP as many for each user, or, without tokens, for each IP address.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub max_publishes_per_second: u64,

    /// How long a client may take for the handshake of TLS, to send the head of its request, or to begin another one
    #[arg(long, value_name = "MS", default_value_t = 15_000, value_parser = clap::value_parser!(u64).range(50..=3_600_000))]
    pub header_timeout_ms: u64,

    /// Clients ping after so much silence; the server drops them after three times as much
    #[arg(long, value_name = "MS", default_value_t = 25_000, value_parser = clap::value_parser!(u64).range(50..=3_600_000))]
    pub heartbeat_ms: u64,

    /// Largest frame, and largest body of a publication over HTTP, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u64).range(1024..=16_777_216))]
    pub max_frame_bytes: u64,

    /// How many channels one socket may be subscribed to
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_channels: u64,

    /// How many bytes of messages may wait in memory for slow subscriptions, of all channels together
    ///
    /// Beyond it, subscriptions that are behind go back to the log. 2 MiB of one channel may wait at most, and 512 messages.
    #[arg(long, value_name = "BYTES", default_value_t = 67_108_864, value_parser = clap::value_parser!(u64).range(1_048_576..))]
    pub live_queue_bytes: u64,

    /// How log lines look, on standard error. RUST_LOG says how much is told, such as seamline_server=debug
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// Allow POST /debug/drop?client_id=…, which cuts that client's sockets, for demonstrations
    #[arg(long)]
    pub demo: bool,

    /// How long a socket may take to say hello (for tests)
    #[arg(long, hide = true, value_name = "MS", default_value_t = 10_000)]
    pub hello_timeout_ms: u64,

    /// How long a client may take to accept what is written to it (for tests)
    #[arg(long, hide = true, value_name = "MS", default_value_t = 30_000)]
    pub send_timeout_ms: u64,

    /// How long a request over HTTP may take, its body included (for tests)
    #[arg(long, hide = true, value_name = "MS", default_value_t = 30_000)]
    pub request_timeout_ms: u64,

    /// Undoes what the server is about: it reads the replay first and subscribes after it. Shows
    /// that the tests of the seam can fail (for tests only).
    #[arg(long, hide = true)]
    pub unsafe_replay_before_subscribe: bool,

    /// Sleeps between subscribing and reading the replay, or the other way round with
    /// --unsafe-replay-before-subscribe, to widen the window of the race (for tests only).
    #[arg(long, hide = true, value_name = "MS", default_value_t = 0)]
    pub unsafe_seam_delay_ms: u64,
}

impl Config {
    /// Whether clients must bring tokens.
    pub fn asks_for_tokens(&self) -> bool {
        self.token_secret.is_some() || self.token_key.is_some()
    }

    /// Why this configuration is not to be run, if so.
    pub fn refusal(&self) -> Option<String> {
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return Some("--tls-cert and --tls-key go together: give both".into());
        }
        if self.authorize_url.is_some() && !self.asks_for_tokens() {
            return Some(
                "--authorize-url needs tokens, which say who the user is: give a secret or a key".into(),
            );
        }
        match self.token_secret.as_deref() {
            Some("") => return Some("the token secret is empty: give one of 32 random bytes or more".into()),
            Some(HIDDEN) => {
                return Some(format!(
                    "`{HIDDEN}` stands for a token secret that --print-config does not show"
                ));
            }
            Some(_) if self.token_key.is_some() => {
                return Some("there is a token secret and a token key: give one of them".into());
            }
            _ => {}
        }
        (!self.asks_for_tokens() && !self.listen.ip().is_loopback()).then(|| {
            format!(
                "{} is not a loopback address, and without a token secret everyone who can reach it may \
                 read and write everything.\nGive a secret with --token-secret (or SEAMLINE_TOKEN_SECRET) or \
                 a key with --token-key, or listen on 127.0.0.1.",
                self.listen
            )
        })
    }
}
