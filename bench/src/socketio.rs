//! The part of Engine.IO 4 and Socket.IO 5 over a WebSocket that a subscriber and a publisher need.
//!
//! Engine.IO packets begin with their type: `0` open, `2` ping, `3` pong, `4` message. A message is a Socket.IO
//! packet: `0` connect, `2` event, `3` acknowledgement. With connection state recovery, the last argument of an event
//! is its offset. A client that connects with `pid` and `offset` receives what it missed.

use memchr::memrchr;
use serde_json::{Value, json};

use crate::peer::{CHANNEL, Meaning};

const EVENT: &str = r#"42["message","#;
/// The client chooses the number of an acknowledgment.
const JOIN_ID: u64 = 0;
const JOINED: &str = "430[";

pub struct SocketIo {
    subscribes: bool,
    pid: Option<String>,
    offset: Option<String>,
    published: u64,
}

impl SocketIo {
    pub fn new(subscribes: bool) -> Self {
        SocketIo { subscribes, pid: None, offset: None, published: JOIN_ID }
    }

    pub fn publish(&mut self, data: &str) -> String {
        self.published += 1;
        format!(r#"42{}["publish","{CHANNEL}",{data}]"#, self.published)
    }

    pub fn read(&mut self, frame: &str) -> Meaning {
        if let Some(rest) = frame.strip_prefix(EVENT) {
            return self.event(rest).unwrap_or_else(|| Meaning::Wrong(frame.into()));
        }
        match frame.get(..2) {
            _ if frame == "2" => Meaning::Answer("3".into()),
            _ if frame.starts_with('0') => Meaning::Answer(self.connect()),
            _ if frame.starts_with(JOINED) => Meaning::Ready,
            Some("40") => self.connected(&frame[2..]),
            Some("43") => Meaning::Acknowledged,
            _ => Meaning::Wrong(frame.into()),
        }
    }

    fn connect(&self) -> String {
        match (&self.pid, &self.offset) {
            (Some(pid), Some(offset)) => format!("40{}", json!({ "pid": pid, "offset": offset })),
            _ => "40".into(),
        }
    }

    fn connected(&mut self, body: &str) -> Meaning {
        let body = serde_json::from_str::<Value>(body).unwrap_or_default();
        let pid = body["pid"].as_str();
        match &self.pid {
            Some(known) if Some(known.as_str()) == pid => Meaning::Ready,
            Some(_) => Meaning::Wrong("the session was not recovered".into()),
            None => {
                self.pid = pid.map(Into::into);
                if !self.subscribes {
                    return Meaning::Ready;
                }
                Meaning::Answer(format!(r#"42{JOIN_ID}["join","{CHANNEL}"]"#))
            }
        }
    }

    /// `{…},"offset"]`.
    fn event(&mut self, rest: &str) -> Option<Meaning> {
        let rest = rest.strip_suffix("\"]")?;
        let offset = &rest[memrchr(b'"', rest.as_bytes())? + 1..];
        match &mut self.offset {
            Some(known) => offset.clone_into(known),
            None => self.offset = Some(offset.into()),
        }
        Some(Meaning::Messages(1, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_connects_joins_counts_and_recovers() {
        let mut peer = SocketIo::new(true);
        assert_eq!(peer.read(r#"0{"sid":"x"}"#), Meaning::Answer("40".into()));
        let joining = peer.read(r#"40{"sid":"s","pid":"p"}"#);
        assert_eq!(joining, Meaning::Answer(r#"420["join","bench"]"#.into()));
        assert_eq!(peer.read("430[]"), Meaning::Ready);
        assert_eq!(peer.read(r#"42["message",{"a":"b"},"off"]"#), Meaning::Messages(1, None));
        assert_eq!(peer.read("2"), Meaning::Answer("3".into()));

        let resuming = peer.read(r#"0{"sid":"y"}"#);
        assert_eq!(resuming, Meaning::Answer(r#"40{"offset":"off","pid":"p"}"#.into()));
        assert_eq!(peer.read(r#"40{"sid":"s","pid":"p"}"#), Meaning::Ready);
        assert!(matches!(peer.read(r#"40{"sid":"s","pid":"q"}"#), Meaning::Wrong(_)));
    }

    #[test]
    fn a_publisher_is_acknowledged() {
        let mut peer = SocketIo::new(false);
        assert_eq!(peer.read(r#"40{"sid":"s","pid":"p"}"#), Meaning::Ready);
        assert_eq!(peer.publish("{}"), r#"421["publish","bench",{}]"#);
        assert_eq!(peer.read("431[]"), Meaning::Acknowledged);
    }
}
