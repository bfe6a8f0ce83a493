//! Traces of publications, from the request or the frame to the sockets, for an OpenTelemetry collector.
//!
//! Only a build with the feature `otel` records them. Both builds have the same small API, so that no caller has to
//! distinguish them; without the feature, its types are empty and its functions do nothing.
//!
//! A publication has a span of its own ([`traced`] for HTTP, [`Publication`] for a frame), which its [`Context`] refers
//! to. Below it, [`submit`] records the append to the store. With the embedded log, the message takes the context along
//! to the hub, and a [`Delivery`] is the span from there to the sockets.

#[cfg(not(feature = "otel"))]
mod disabled;
#[cfg(feature = "otel")]
mod otel;

#[cfg(not(feature = "otel"))]
pub use disabled::*;
#[cfg(feature = "otel")]
pub use otel::*;
