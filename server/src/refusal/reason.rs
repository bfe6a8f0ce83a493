//! Why connections and requests are refused, as operators count it. `docs/OPERATIONS.md` has the same list; a test
//! compares them.

use seamline::wire::code;

use super::Refusal;

macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident = $name:literal;)*) => {
        /// See the module.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reason {
            $($(#[$doc])* $reason,)*
        }

        impl Reason {
            /// All of them, in the order of the enumeration.
            pub const ALL: &[Reason] = &[$(Reason::$reason),*];

            /// The value of the metric's label.
            pub fn name(self) -> &'static str {
                match self {
                    $(Reason::$reason => $name,)*
                }
            }
        }
    };
}

reasons! {
    /// An address has as many connections as it may have, besides its sockets.
    AddressConnections = "address_connections";
    /// An address has as many sockets as it may have.
    AddressSockets = "address_sockets";
    /// A user has as many sockets as they may have.
    UserSockets = "user_sockets";
    /// File descriptors are scarce.
    Descriptors = "descriptors";
    /// The TLS handshake failed, or took too long.
    Tls = "tls";
    /// A page of an origin that is not allowed, or a name that leads to this server.
    Origin = "origin";
    /// A request to `/ws` that is no handshake of a WebSocket.
    Handshake = "handshake";
    /// A handshake for another subprotocol.
    Subprotocol = "subprotocol";
    /// `hello` did not come in time.
    HelloTimeout = "hello_timeout";
    /// `hello` asks for another version of the protocol.
    Version = "version";
    /// A frame that does not follow the protocol.
    Frame = "frame";
    /// A frame or a body that is larger than the limit.
    TooLarge = "too_large";
    /// The token is missing, wrong or expired.
    Token = "token";
    /// The token, or the authorization service, does not grant this.
    Forbidden = "forbidden";
    /// The authorization service gave no answer.
    AuthorizationUnavailable = "authorization_unavailable";
    /// The log failed.
    LogUnavailable = "log_unavailable";
    /// Too many publications over HTTP.
    RateLimit = "rate_limit";
    /// A socket has as many subscriptions as it may have.
    Subscriptions = "subscriptions";
    /// A name, a key, a parameter or a body that is not valid.
    Invalid = "invalid";
    /// A request that did not arrive in time.
    RequestTimeout = "request_timeout";
}

impl Refusal {
    /// How it is counted. `None`: it is an answer, such as "there is no such channel".
    pub fn reason(&self) -> Option<Reason> {
        Some(match self.code {
            code::UNAUTHORIZED => Reason::Token,
            code::FORBIDDEN => Reason::Forbidden,
            code::ORIGIN_NOT_ALLOWED => Reason::Origin,
            code::AUTHORIZATION_ERROR => Reason::AuthorizationUnavailable,
            code::LOG_ERROR => Reason::LogUnavailable,
            code::TOO_FAST => Reason::RateLimit,
            code::TOO_LARGE => Reason::TooLarge,
            code::OVERLOADED => Reason::Descriptors,
            code::TOO_MANY_CHANNELS => Reason::Subscriptions,
            code::TOO_MANY_CONNECTIONS => Reason::UserSockets,
            code::BAD_VERSION => Reason::Version,
            code::BAD_FRAME => Reason::Frame,
            code::BAD_BODY | code::BAD_CHANNEL | code::BAD_JSON | code::BAD_KEY | code::BAD_QUERY => {
                Reason::Invalid
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        let mut names: Vec<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Reason::ALL.len());
        assert!(Reason::ALL.iter().enumerate().all(|(i, reason)| *reason as usize == i));
    }

    #[test]
    fn what_is_not_there_is_no_refusal() {
        assert_eq!(Refusal::unknown_channel("c").reason(), None);
        assert_eq!(Refusal::unauthorized("no").reason(), Some(Reason::Token));
    }
}
