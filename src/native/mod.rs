//! Native programs: tokio, tungstenite and rustls as a platform of the client. It decides nothing.

mod clock;
mod connect;
mod lifecycle;
mod random;
mod runtime;
mod socket;
mod stream;
mod tls;

pub(crate) use clock::{Clock, unix_ms};
pub(crate) use lifecycle::Lifecycle;
pub(crate) use random::random;
pub(crate) use runtime::{Runtime, Settings, Timer};
pub(crate) use socket::Socket;
