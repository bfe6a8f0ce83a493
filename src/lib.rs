//! A WebSocket that never loses its place.
//!
//! Seamline tracks `last_message_id`, reconnects with backoff and resumes. It delivers every message to the
//! application **once, in order**, across reconnects and server restarts, although the server's replay and
//! its live stream overlap (at the *seam*).
//!
//! # The client
//!
//! A [`Client`] is a connection, and a [`Channel`] is a stream of messages:
//!
//! ```no_run
//! use futures::StreamExt;
//! use seamline::{Client, Item, StartFrom};
//!
//! # async fn run() -> Result<(), seamline::Error> {
//! let client = Client::builder("wss://example.com/ws").connect()?;
//! let mut room = client.channel("room-1", StartFrom::Start)?;
//! room.publish("hi").await?;
//! while let Some(item) = room.next().await {
//!     match item {
//!         Item::Message(message) => match message.json::<String>() {
//!             Ok(text) => show(&text),
//!             Err(error) => show(&format!("message {}: {error}", message.id)), // the room goes on
//!         },
//!         Item::Gap(gap) => show(&gap.to_string()),
//!         Item::Closed(reason) => show(&reason.to_string()),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! # fn show(_: &str) {}
//! ```
//!
//! # Where it runs
//!
//! The API is the same everywhere:
//!
//! | | |
//! |---|---|
//! | a page (`wasm32-unknown-unknown`) | on the browser's own WebSocket; one thread |
//! | a native program, with the feature `native` | on tokio, with TLS by [rustls](https://docs.rs/rustls): `Client: Clone + Send + Sync`, `Channel: Stream + Send`. Connect inside a runtime with `enable_all()`, of either kind. If that shuts down, the client is closed. |
//! | elsewhere, such as in a server that renders a front end | it compiles, and [`connect`](ClientBuilder::connect) fails with [`ErrorKind::Unsupported`] |
//!
//! The example `tail` is a native program.
//!
//! # The layers
//!
//! An application needs what is at the root of the crate. The modules are for those who drive the core themselves:
//!
//! ```text
//! application        a page, through the npm package            Rust
//!                                   │                            │
//! API                       TypeScript, `wasm`           `Client`, `Channel`
//!                                   │                            │
//! driver             one WebSocket, one timer; decides nothing   │
//!                                   └───────────────┬────────────┘
//!                                                   │  calls ↓   ↑ outputs
//! core               `core::Session`: every decision; no clock, no randomness, no I/O
//!                    (`plain::PlainSession` around it, for servers of the plain dialect)
//!                                                   │
//! wire               `wire`: the frames of `seamline.v1`, shared with the server
//! ```
//!
//! - [`core`] is the client as a sans-I/O state machine; [`core::seam`] is its heart.
//! - [`plain`] wraps a session for servers of the plain dialect, which send flat JSON objects.
//! - [`wire`] has the frames of `seamline.v1`, which the server shares.
//!
//! # The run loop
//!
//! A driver calls a [`Session`](core::Session) with what happens, then performs its outputs until there is none, then
//! waits for the next event or for the session's deadline. This one has a fake network, whose server replays `a` and
//! `b`, and sends `b` and `c` live:
//!
//! ```
//! use seamline::core::{Batch, Config, Event, Instant, Output, Session};
//! use seamline::wire::{ClientFrame, MessageId, ServerFrame, StartAt};
//! # use std::collections::VecDeque;
//! # type Payloads = Vec<&'static str>;
//! # enum Report {
//! #     Open,
//! #     Frame(ServerFrame<&'static str>),
//! #     Messages(Batch<Payloads>),
//! # }
//! # fn answers(frame: ClientFrame<&'static str>) -> Vec<Report> {
//! #     let messages = |n, replay, payload: &[&'static str]| {
//! #         let (count, last_id) = (payload.len() as u64, MessageId { ms: n, seq: 0 });
//! #         Report::Messages(Batch { n, count, last_id, replay, bytes: 20, payload: payload.to_vec() })
//! #     };
//! #     match frame {
//! #         ClientFrame::Hello { .. } => vec![Report::Frame(ServerFrame::Welcome {
//! #             session: "s".to_owned(),
//! #             heartbeat_ms: 25_000,
//! #             max_frame_bytes: 65_536,
//! #         })],
//! #         ClientFrame::Sub { ch, reference, .. } => vec![
//! #             Report::Frame(ServerFrame::Subd {
//! #                 ch: ch.clone(),
//! #                 epoch: "e".to_owned(),
//! #                 first: 1,
//! #                 head: 2,
//! #                 at: 0,
//! #                 at_epoch: None,
//! #                 reference,
//! #                 resumed: false,
//! #             }),
//! #             messages(1, true, &["a", "b"]),
//! #             messages(2, false, &["b", "c"]),
//! #             Report::Frame(ServerFrame::Live { ch, head: 2, reference }),
//! #         ],
//! #         _ => Vec::new(),
//! #     }
//! # }
//!
//! let mut now = Instant(0);
//! let mut session: Session<Vec<&str>, _> = Session::new(Config::default(), 7, now);
//! session.subscribe(now, "room-1".to_owned(), Some(StartAt::Start), None)?;
//! session.connect(now);
//!
//! let mut network = VecDeque::new(); // what the sockets will report
//! let mut received = Vec::new();
//! while received.len() < 3 {
//!     // Perform every output, in order.
//!     while let Some(output) = session.poll_output() {
//!         match output {
//!             Output::Connect(socket) => network.push_back((socket, Report::Open)),
//!             Output::Send { socket, frame } => {
//!                 network.extend(answers(frame).into_iter().map(|report| (socket, report)));
//!             }
//!             Output::Event(Event::Deliver { batch, skip, .. }) => {
//!                 received.extend_from_slice(&batch.payload[skip as usize..]);
//!             }
//!             Output::Event(_) | Output::Disconnect { .. } | Output::FetchToken { .. } => {}
//!         }
//!     }
//!     // Wait for the network, or for the deadline.
//!     match network.pop_front() {
//!         Some((socket, Report::Open)) => session.handle_open(now, socket),
//!         Some((socket, Report::Frame(frame))) => session.handle_frame(now, socket, frame),
//!         Some((socket, Report::Messages(batch))) => session.handle_messages(now, socket, "room-1", batch),
//!         None => {
//!             now = session.poll_timeout().expect("a connected session has a deadline");
//!             session.handle_timeout(now);
//!         }
//!     }
//! }
//! assert_eq!(received, ["a", "b", "c"]);
//! # Ok::<(), seamline::core::Error>(())
//! ```

pub mod core;
#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
pub mod plain;
pub mod wire;

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(not(all(target_arch = "wasm32", feature = "npm")))]
mod client;
#[cfg(all(not(target_arch = "wasm32"), feature = "native"))]
mod native;
#[cfg(all(target_arch = "wasm32", feature = "npm"))]
pub mod wasm;

/// The version of rustls that [`ClientBuilder::tls`] takes the configuration of.
#[cfg(all(not(target_arch = "wasm32"), feature = "native"))]
pub use tokio_rustls::rustls;

#[cfg(all(feature = "plain", not(all(target_arch = "wasm32", feature = "npm"))))]
pub use client::PlainOptions;
#[cfg(not(all(target_arch = "wasm32", feature = "npm")))]
pub use client::{
    Cast, Channel, Client, ClientBuilder, Diagnostic, DiagnosticKind, Error, ErrorKind, Item, Message,
    Published, StartFrom, States, TokenRequest,
};
#[cfg(not(all(target_arch = "wasm32", feature = "npm")))]
#[doc(hidden)]
pub use client::{MaybeSend, MaybeSync};
#[cfg(not(all(target_arch = "wasm32", feature = "npm")))]
pub use {
    core::{Gap, GapReason, Reason, ReasonCode, State, Stats},
    wire::{MessageId, Position},
};

/// The code of the README and of the guide compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../docs/guide/rust.md")]
struct Pages;

#[cfg(all(target_arch = "wasm32", feature = "npm"))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
