//! Processes, ports, links and sockets, shared by the server's tests, the browser tests, `chaos`, `bench` and `xtask`.
//!
//! `server` and `redis` know how these programs are started, `system` what the operating system does to a process and
//! says about it. With the feature `net`: `process` is a process that tests kill and restart, `link` a TCP connection
//! that they cut, stall or slow down, and `socket` a WebSocket to a server on this machine.

#[cfg(feature = "net")]
pub mod link;
#[cfg(feature = "net")]
pub mod process;
pub mod redis;
pub mod server;
#[cfg(feature = "net")]
pub mod socket;
pub mod system;
