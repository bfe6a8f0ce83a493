//! The codes of `seamline.v1`.

/// WebSocket close codes (RFC 6455 §7.4; 4000–4999 are an application's own).
pub mod close {
    /// The work is done.
    pub const NORMAL: u16 = 1000;
    /// A page or a server is going away.
    pub const GOING_AWAY: u16 = 1001;
    /// A frame was larger than the receiver takes.
    pub const TOO_BIG: u16 = 1009;
    /// The server restarts: come back.
    pub const SERVICE_RESTART: u16 = 1012;
    /// The server is overloaded: come back later.
    pub const TRY_AGAIN_LATER: u16 = 1013;
    /// Another connection took this one's place.
    pub const REPLACED: u16 = 4009;
    /// A frame that could not be understood.
    pub const BAD_FRAME: u16 = 4400;
    /// The token was refused or has expired: bring a fresh one.
    pub const UNAUTHORIZED: u16 = 4401;
    /// Not allowed, whatever the token.
    pub const FORBIDDEN: u16 = 4403;
    /// No `hello` came in time.
    pub const HELLO_TIMEOUT: u16 = 4408;
    /// Too much, too fast.
    pub const TOO_FAST: u16 = 4429;
}
