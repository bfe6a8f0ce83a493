//! What a driver needs: the application's side, and a WebSocket.

use super::dialect::{Dialect, Frame, Messages};
use super::driver::Driver;
use super::value::Data;
use crate::core::{Event, FetchId, SocketId};
use crate::wire::{Text, TextRef};

/// The application's side of a driver. Nothing is borrowed when these are called.
pub trait Host: Sized + 'static {
    /// What the server speaks.
    type Dialect: Dialect;
    /// The type of a WebSocket.
    type Socket: Transport;
    /// Reports an event to the application.
    fn event(&self, event: &Event<Messages<Self::Dialect>, Data>);
    /// Makes a WebSocket that reports to the driver's session, without a subprotocol if `subprotocol` is empty.
    /// Returns the cause if that fails.
    fn socket(
        driver: &Driver<Self>,
        id: SocketId,
        url: &TextRef,
        subprotocol: &str,
    ) -> Result<Self::Socket, Text>;
    /// Sends a frame. Returns the cause if that fails.
    fn send(socket: &Self::Socket, frame: &Frame<Self::Dialect>) -> Result<(), Text>;
    /// Sets the driver's one timer, which replaces the previous one, or clears it. The timer calls
    /// `handle_timeout` of the driver's session.
    fn set_timer(driver: &Driver<Self>, wait_ms: Option<u32>);
    /// Requests a token from the application. The answer goes to `handle_token` of the driver's session.
    fn fetch_token(driver: &Driver<Self>, fetch: FetchId, refresh: bool);
}

/// A WebSocket, open or opening. Its methods do not throw and report nothing before they return. After `close`, or
/// when it is dropped, it reports nothing.
pub trait Transport: Clone {
    /// Bytes that wait to be sent.
    fn buffered_bytes(&self) -> u64;
    /// Closes with a code that a page may send.
    fn close(&self, code: u16);
}
