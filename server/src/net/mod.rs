//! Sockets and signals: accepting connections, TLS, which pages may connect, draining and reloading.

pub mod descriptors;
mod forwarded;
pub mod listen;
pub mod origin;
pub mod proxy;
pub mod reload;
mod send_timeout;
pub mod serve;
pub mod shutdown;
pub mod tls;
