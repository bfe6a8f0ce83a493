//! A socket that speaks the protocol in plain JSON, so that the tests do not depend on the code that they test.

use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{PATIENCE, Server};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub struct Client {
    socket: Socket,
    /// The size of the last frame, if it was announced.
    announced: Option<usize>,
}

/// What came from the server.
#[derive(Debug, PartialEq)]
pub enum Got {
    Frame(Value),
    Closed(u16, String),
    /// The connection ended without a close frame.
    Disconnected,
}

impl Client {
    /// Connects, asking for these subprotocols. Fails with the status and the text of a refusal.
    pub async fn try_connect(server: &Server, protocols: Option<&str>) -> Result<Client, (u16, String)> {
        let protocols = protocols.map(|protocols| ("sec-websocket-protocol", protocols));
        Client::open(server, "", protocols.as_slice()).await
    }

    /// Connects as a page of this origin. Fails with the status of a refusal.
    pub async fn try_connect_from(server: &Server, origin: &str) -> Result<Client, u16> {
        Client::try_connect_with(server, &[("origin", origin)]).await
    }

    /// Connects with these headers. Fails with the status of a refusal.
    pub async fn try_connect_with(server: &Server, headers: &[(&'static str, &str)]) -> Result<Client, u16> {
        let headers = [&[("sec-websocket-protocol", "seamline.v1")], headers].concat();
        Client::open(server, "", &headers).await.map_err(|(status, _)| status)
    }

    /// Connects in the plain dialect, with this query.
    pub async fn plain(server: &Server, query: &str) -> Client {
        Client::open(server, query, &[]).await.unwrap()
    }

    /// Connects with this query and these headers. Fails with the status and the text of a refusal.
    pub async fn open(
        server: &Server,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Client, (u16, String)> {
        Client::open_at(&server.address, query, headers).await
    }

    /// Like `open`, at another address.
    pub async fn open_at(
        address: &str,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Client, (u16, String)> {
        let mut request = format!("ws://{address}/ws?{query}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match timeout(PATIENCE, connect_async(request)).await.expect("no answer") {
            Ok((socket, _)) => Ok(Client { socket, announced: None }),
            Err(Error::Http(response)) => {
                let text =
                    String::from_utf8_lossy(response.body().as_deref().unwrap_or_default()).into_owned();
                Err((response.status().as_u16(), text))
            }
            Err(e) => panic!("{e}"),
        }
    }

    pub async fn connect(server: &Server) -> Client {
        Client::try_connect(server, Some("seamline.v1")).await.unwrap()
    }

    /// Connects, sends `hello`, and receives `welcome`.
    pub async fn greeted(server: &Server, client_id: &str) -> Client {
        Client::greeted_with(server, client_id, None).await
    }

    /// Like `greeted`, over a link to the server.
    pub async fn greeted_at(address: &str, client_id: &str) -> Client {
        let client = Client::open_at(address, "", &[("sec-websocket-protocol", "seamline.v1")]).await;
        client.unwrap().greet(client_id, None).await
    }

    pub async fn greeted_with(server: &Server, client_id: &str, token: Option<String>) -> Client {
        Client::connect(server).await.greet(client_id, token).await
    }

    async fn greet(mut self, client_id: &str, token: Option<String>) -> Client {
        self.send(json!({"op": "hello", "v": 1, "client_id": client_id, "token": token})).await;
        self.next_op("welcome").await;
        self
    }

    pub async fn send(&mut self, frame: Value) {
        self.send_text(frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: String) {
        self.try_send_text(text).await.unwrap();
    }

    /// For sends that the server may interrupt.
    pub async fn try_send_text(&mut self, text: String) -> Result<(), Error> {
        self.socket.send(Message::text(text)).await
    }

    pub async fn send_binary(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::binary(bytes)).await.unwrap();
    }

    /// Sends bytes without framing, which the server may interrupt.
    pub async fn send_raw(&mut self, bytes: &[u8]) {
        let _ = self.socket.get_mut().write_all(bytes).await;
    }

    /// Its two directions, for a test that must read while it writes.
    pub fn split(self) -> (SplitSink<Socket, Message>, SplitStream<Socket>) {
        self.socket.split()
    }

    /// Subscribes, with more fields such as `position`.
    pub async fn sub(&mut self, ch: &str, credit: u64, more: Value) {
        let mut frame = json!({"op": "sub", "ch": ch, "credit": credit});
        frame.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.send(frame).await;
    }

    pub async fn got(&mut self) -> Got {
        timeout(PATIENCE, self.read()).await.expect("nothing came")
    }

    /// What comes within this time, if anything.
    pub async fn got_within(&mut self, limit: Duration) -> Option<Got> {
        timeout(limit, self.read()).await.ok()
    }

    /// The size of the last frame, if `incoming` announced it.
    pub fn announced(&self) -> Option<usize> {
        self.announced
    }

    async fn read(&mut self) -> Got {
        self.announced = None;
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame["op"] == "incoming" {
                        assert_eq!(self.announced, None, "two announcements and no frame between them");
                        self.announced = frame["bytes"].as_u64().map(|bytes| bytes as usize);
                        continue;
                    }
                    assert!(self.announced.is_none_or(|bytes| bytes == text.len()), "{:?}", self.announced);
                    return Got::Frame(frame);
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Got::Closed(frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Close(None))) | Some(Err(_)) | None => return Got::Disconnected,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Waits for the end of the connection after a close: not a reset, which discards what has not been read.
    pub async fn ends_without_reset(&mut self) {
        let end = timeout(PATIENCE, self.socket.next()).await.expect("the server keeps the connection");
        assert!(end.is_none(), "{end:?}");
    }

    /// The next frame, whatever it is.
    pub async fn next(&mut self) -> Value {
        match self.got().await {
            Got::Frame(frame) => frame,
            end => panic!("the connection ended: {end:?}"),
        }
    }

    /// The next frame, which must have this op.
    pub async fn next_op(&mut self, op: &str) -> Value {
        let frame = self.next().await;
        assert_eq!(frame["op"], op, "{frame}");
        frame
    }

    /// Waits for the close, and skips frames.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.got().await {
                Got::Closed(code, reason) => return (code, reason),
                Got::Disconnected => panic!("disconnected without a close frame"),
                Got::Frame(_) => {}
            }
        }
    }

    /// Waits until the server has handled everything that was sent so far.
    pub async fn round_trip(&mut self) {
        self.send(json!({"op": "ping"})).await;
        while self.next().await["op"] != "pong" {}
    }

    pub async fn close(mut self) {
        let _ = self.socket.close(None).await;
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

/// The offsets in a `msgs` frame, checked against its payloads when those are `{"i": offset}`.
pub fn offsets(frame: &Value) -> Vec<u64> {
    let n = frame["n"].as_u64().unwrap();
    let (ids, data) = (frame["ids"].as_array().unwrap(), frame["data"].as_array().unwrap());
    assert_eq!(ids.len(), data.len());
    (n..n + ids.len() as u64).collect()
}
