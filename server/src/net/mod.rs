//! Sockets and signals: accepting connections, TLS, which pages may connect, draining and reloading.

pub mod listen;
pub mod origin;
pub mod proxy;
pub mod reload;
pub mod shutdown;
pub mod tls;
