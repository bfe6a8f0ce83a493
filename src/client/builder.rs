//! The settings of a client, checked where they are set.

use std::fmt::{self, Display};
use std::time::Duration;

use super::dialect::Dialect;
#[cfg(feature = "plain")]
use super::plain_options::PlainOptions;
use super::platform::{PageLoads, Settings, page_loads};
use super::shared::{MaybeSend, MaybeSync, Shared};
use super::token::{Token, TokenRequest};
use super::{Client, Error};
use crate::core::{BACKOFF_MS_MIN, Config, MS_MAX};
use crate::wire::{KEY_BYTES_MAX, code};

/// Finds the page loads of the tab for a client id.
type FindPageLoads = fn(&str) -> Option<Shared<dyn PageLoads>>;

/// The settings of a [`Client`]. Only the URL has no default.
///
/// An invalid setting is reported by [`connect`](ClientBuilder::connect), which names the setting, its value and the
/// limit.
#[derive(Clone)]
#[must_use = "call `connect`"]
pub struct ClientBuilder {
    pub(super) url: String,
    pub(super) config: Config,
    pub(super) dialect: Dialect,
    pub(super) token: Option<Token>,
    pub(super) settings: Settings,
    /// A function, so that only a page with a client id of its own downloads it.
    pub(super) page_loads: Option<FindPageLoads>,
    /// The first problem.
    problem: Option<Error>,
}

impl ClientBuilder {
    pub(super) fn new(url: &str) -> Self {
        let mut builder = ClientBuilder {
            url: url.to_owned(),
            config: Config::default(),
            dialect: Dialect::default(),
            token: None,
            settings: Settings::default(),
            page_loads: None,
            problem: None,
        };
        if !is_web_socket_url(url) {
            let message =
                ["cannot use the URL `", url, "`: pass a ws:// or wss:// URL without a fragment (`#`)"]
                    .concat();
            builder.problem = Some(Error::own(code::BAD_URL, message));
        }
        builder
    }

    /// Identifies this client across its connections and, if you store it, across restarts: the server stores the
    /// position of each channel under it. 1 to 200 bytes. Default: a random one.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        let client_id = client_id.into();
        if !(1..=KEY_BYTES_MAX).contains(&client_id.len()) {
            self.refuse("client_id", format_args!("{} bytes", client_id.len()), "1 to 200 bytes");
        }
        self.config.client_id = client_id;
        self.page_loads = Some(page_loads);
        self
    }

    /// Sets a function that returns a token for the server. The client calls it before it connects, and again, with
    /// [`TokenRequest::refresh`], whenever the server rejects the token or the token expires.
    pub fn token<F, T, E>(mut self, get: impl Fn(TokenRequest) -> F + MaybeSend + MaybeSync + 'static) -> Self
    where
        F: Future<Output = Result<T, E>> + MaybeSend + 'static,
        T: Into<String>,
        E: Display,
    {
        self.token = Some(Token::new(get));
        self.config.has_token = true;
        self
    }

    /// The delays between attempts to connect: the longest first one, and the longest of all. Each delay is random,
    /// and never below 100 ms. Default 500 ms and 20 s.
    pub fn backoff(mut self, initial: Duration, max: Duration) -> Self {
        let initial = self.ms("backoff (initial)", initial, BACKOFF_MS_MIN);
        let max = self.ms("backoff (max)", max, initial.unwrap_or(BACKOFF_MS_MIN));
        if let (Some(initial_ms), Some(max_ms)) = (initial, max) {
            (self.config.backoff.initial_ms, self.config.backoff.max_ms) = (initial_ms, max_ms);
        }
        self
    }

    /// How long the handshake and the welcome may take together. Default 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.config.connect_timeout_ms = self.at_least("connect_timeout", timeout, 1);
        self
    }

    /// How long the token function may take. Default 30 s.
    pub fn token_timeout(mut self, timeout: Duration) -> Self {
        self.config.token_timeout_ms = self.at_least("token_timeout", timeout, 1);
        self
    }

    /// The client pings after a silence of this length. Default: the server's setting.
    pub fn heartbeat(mut self, silence: Duration) -> Self {
        self.config.heartbeat_ms = self.at_least("heartbeat", silence, 1);
        self
    }

    /// How long the answer to a ping may take. Default 5 s.
    pub fn pong_timeout(mut self, timeout: Duration) -> Self {
        self.config.pong_timeout_ms = self.at_least("pong_timeout", timeout, 1);
        self
    }

    /// The same for the ping that is sent when the page or the machine wakes up. Default 1.5 s.
    pub fn probe_timeout(mut self, timeout: Duration) -> Self {
        self.config.probe_timeout_ms = self.at_least("probe_timeout", timeout, 1);
        self
    }

    /// A connection that has lived this long resets the backoff. Default 5 s.
    pub fn stable_after(mut self, lifetime: Duration) -> Self {
        self.config.stable_ms = self.at_least("stable_after", lifetime, 0);
        self
    }

    /// How often processed positions are acknowledged at most. Default 5 s.
    pub fn ack_interval(mut self, interval: Duration) -> Self {
        self.config.ack_interval_ms = self.at_least("ack_interval", interval, 0);
        self
    }

    /// How many replayed messages may be in transit or waiting for the application at first, per channel. The client
    /// then fits the number to the path and to the application. The server, which knows the size of the messages, may
    /// send 16 times as many at first, in half of `queue_bytes`. Default 2,000.
    pub fn replay_credit(mut self, messages: u64) -> Self {
        self.config.replay_credit = self.count("replay_credit", messages);
        self
    }

    /// How many messages may wait for the application, per channel, before the client drops live messages and fetches
    /// them again from the log later. Default 50,000.
    pub fn queue_messages(mut self, messages: u64) -> Self {
        self.config.queue_messages_max = self.count("queue_messages", messages);
        self
    }

    /// The same limit in bytes of the frames that brought them. Default 16 MiB.
    pub fn queue_bytes(mut self, bytes: u64) -> Self {
        self.config.queue_bytes_max = self.count("queue_bytes", bytes);
        self
    }

    /// How many publications may wait for an answer. Default 1,000.
    pub fn outbox_messages(mut self, messages: u64) -> Self {
        self.config.outbox_messages_max = self.count("outbox_messages", messages);
        self
    }

    /// Set this if the server speaks the plain dialect: flat JSON objects, with or without numbers. See
    /// [`plain`](crate::plain).
    #[cfg(feature = "plain")]
    pub fn plain(mut self, options: PlainOptions) -> Self {
        let settle = self.ms("plain (settle)", options.settle, 0);
        let silence = self.ms("plain (silence)", options.silence, 0);
        let window_messages = self.count("plain (window_messages)", options.window_messages);
        self.dialect = Dialect::Plain(crate::plain::PlainConfig {
            id_paths: options.id_paths,
            number_paths: options.number_paths,
            settle_ms: settle.unwrap_or_default(),
            window_messages,
            silence_ms: silence.unwrap_or_default(),
        });
        self
    }

    /// Connects, and stays connected until [`Client::close`]. Returns at once.
    ///
    /// Fails if a setting is invalid; natively also outside a tokio runtime, and if the crate was built without the
    /// feature `native`.
    pub fn connect(mut self) -> Result<Client, Error> {
        match self.problem.take() {
            Some(problem) => Err(problem),
            None => Client::connect(self),
        }
    }

    /// What only this platform has.
    #[allow(dead_code, reason = "a page has none")]
    pub(crate) fn platform_settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    fn at_least(&mut self, name: &str, value: Duration, min_ms: u64) -> u64 {
        self.ms(name, value, min_ms).unwrap_or_default()
    }

    fn ms(&mut self, name: &str, value: Duration, min_ms: u64) -> Option<u64> {
        let ms = u64::try_from(value.as_millis()).ok();
        let allowed = ms.filter(|ms| (min_ms..=MS_MAX).contains(ms));
        if allowed.is_none() {
            let limits =
                format_args!("{:?} to {:?}", Duration::from_millis(min_ms), Duration::from_millis(MS_MAX))
                    .to_string();
            self.refuse(name, format_args!("{value:?}"), &limits);
        }
        allowed
    }

    fn count(&mut self, name: &str, value: u64) -> u64 {
        if value == 0 {
            self.refuse(name, format_args!("0"), "1 or more");
        }
        value
    }

    fn refuse(&mut self, name: &str, value: fmt::Arguments<'_>, limits: &str) {
        let message = format!("cannot use the setting `{name}`: {value}. Pass {limits}.");
        self.problem.get_or_insert_with(|| Error::own(code::BAD_OPTION, message));
    }
}

impl fmt::Debug for ClientBuilder {
    /// Without the token function, and without the settings of the platform.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("url", &self.url)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

fn is_web_socket_url(url: &str) -> bool {
    let host = url.strip_prefix("ws://").or_else(|| url.strip_prefix("wss://"));
    host.is_some_and(|host| {
        !host.is_empty() && !host.starts_with(['/', '?', ':']) && !host.bytes().any(|byte| byte == b'#')
    })
}

#[cfg(test)]
mod tests {
    use super::super::ErrorKind;
    use super::*;

    fn problem(builder: ClientBuilder) -> String {
        let problem = builder.problem.expect("a setting is invalid");
        assert_eq!(problem.kind, ErrorKind::InvalidInput);
        problem.message
    }

    fn builder() -> ClientBuilder {
        ClientBuilder::new("wss://example.com/ws")
    }

    #[test]
    fn a_zero_backoff_is_refused() {
        let zero = builder().backoff(Duration::ZERO, Duration::from_secs(1));
        assert_eq!(
            problem(zero),
            "cannot use the setting `backoff (initial)`: 0ns. Pass 100ms to 2147483.647s."
        );
        let zero = builder().backoff(Duration::from_secs(1), Duration::ZERO);
        assert_eq!(problem(zero), "cannot use the setting `backoff (max)`: 0ns. Pass 1s to 2147483.647s.");
    }

    #[test]
    fn invalid_settings_name_the_setting_and_the_limit() {
        let long = Duration::from_millis(MS_MAX + 1);
        for (builder, name) in [
            (builder().client_id(""), "`client_id`: 0 bytes. Pass 1 to 200 bytes."),
            (builder().client_id("x".repeat(201)), "`client_id`: 201 bytes"),
            (builder().connect_timeout(Duration::from_micros(900)), "`connect_timeout`: 900µs. Pass 1ms to"),
            (builder().token_timeout(long), "`token_timeout`: 2147483.648s"),
            (builder().heartbeat(Duration::ZERO), "`heartbeat`"),
            (builder().pong_timeout(Duration::MAX), "`pong_timeout`"),
            (builder().probe_timeout(Duration::ZERO), "`probe_timeout`"),
            (builder().stable_after(long), "`stable_after`"),
            (builder().ack_interval(long), "`ack_interval`"),
            (builder().replay_credit(0), "`replay_credit`: 0. Pass 1 or more."),
            (builder().queue_messages(0), "`queue_messages`"),
            (builder().queue_bytes(0), "`queue_bytes`"),
            (builder().outbox_messages(0), "`outbox_messages`"),
        ] {
            let problem = problem(builder);
            assert!(problem.contains(name), "{problem}");
        }
    }

    #[test]
    fn the_first_problem_is_reported() {
        let builder = builder().replay_credit(0).queue_bytes(0);
        assert!(problem(builder).contains("`replay_credit`"));
    }

    #[test]
    fn urls_of_other_schemes_are_rejected() {
        for url in
            ["", "example.com", "https://example.com/ws", "ws://", "ws:///ws", "wss://?", "ws://a/#part"]
        {
            let problem = ClientBuilder::new(url).problem.expect(url);
            assert_eq!(problem.code, code::BAD_URL, "{url}");
            assert!(problem.message.contains(&format!("`{url}`")), "{problem}");
        }
        assert!(ClientBuilder::new("ws://[::1]:80/ws?a=b").problem.is_none());
    }
}
