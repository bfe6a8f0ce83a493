//! The part of `seamline.v1` that a subscriber and a publisher need.
//!
//! It is not the native client of the crate. Thousands of these clients share the processors with the server that is
//! measured, and must be as cheap as those of socket.io beside them. So they count messages, and never read a payload.

use memchr::{memchr, memchr_iter};
use seamline::wire::VERSION;
use serde_json::{Value, json};

use crate::peer::{CHANNEL, Meaning};

/// What the real client grants first, and again when half of it is used.
const CREDIT: u64 = 2_000;
const MSGS: &str = r#"{"op":"msgs","ch":"bench","n":"#;
const IDS: &str = r#","ids":["#;
const PUBACK: &str = r#"{"op":"puback""#;

pub struct Seamline {
    client_id: String,
    subscribes: bool,
    epoch: Option<String>,
    offset: u64,
    credit_used: u64,
    published: u64,
}

impl Seamline {
    pub fn new(client_id: String, subscribes: bool) -> Self {
        Seamline { client_id, subscribes, epoch: None, offset: 0, credit_used: 0, published: 0 }
    }

    pub fn hello(&mut self) -> String {
        self.credit_used = 0;
        json!({ "op": "hello", "v": VERSION, "client_id": self.client_id }).to_string()
    }

    fn sub(&self) -> String {
        match &self.epoch {
            None => json!({ "op": "sub", "ch": CHANNEL, "credit": CREDIT, "from": "tail" }),
            Some(epoch) => {
                let position = json!({ "epoch": epoch, "offset": self.offset });
                json!({ "op": "sub", "ch": CHANNEL, "credit": CREDIT, "position": position })
            }
        }
        .to_string()
    }

    pub fn publish(&mut self, data: &str) -> String {
        self.published += 1;
        format!(r#"{{"op":"pub","ch":"{CHANNEL}","key":"key-{}","data":{data}}}"#, self.published)
    }

    pub fn read(&mut self, frame: &str) -> Meaning {
        if let Some(rest) = frame.strip_prefix(MSGS) {
            return self.msgs(rest).unwrap_or_else(|| Meaning::Wrong(frame.into()));
        }
        if frame.starts_with(PUBACK) {
            return Meaning::Acknowledged;
        }
        let Ok(frame) = serde_json::from_str::<Value>(frame) else { return Meaning::Wrong(frame.into()) };
        match frame["op"].as_str() {
            Some("welcome") if self.subscribes => Meaning::Answer(self.sub()),
            Some("welcome" | "live") => Meaning::Ready,
            Some("subd") => self.subd(&frame),
            Some("pong" | "incoming") => Meaning::Nothing,
            _ => Meaning::Wrong(frame.to_string()),
        }
    }

    fn subd(&mut self, frame: &Value) -> Meaning {
        if self.epoch.is_some() {
            let resumed = frame["resumed"] == Value::Bool(true);
            return if resumed { Meaning::Nothing } else { Meaning::Wrong(frame.to_string()) };
        }
        self.epoch = frame["epoch"].as_str().map(Into::into);
        self.offset = frame["at"].as_u64().unwrap_or_default();
        Meaning::Nothing
    }

    /// The arithmetic of the seam. It reads what the real client reads: `n`, the number of messages, and whether they
    /// come from the replay.
    fn msgs(&mut self, rest: &str) -> Option<Meaning> {
        let (n, rest) = rest.split_once(IDS)?;
        let n: u64 = n.parse().ok()?;
        let ids = &rest.as_bytes()[..memchr(b']', rest.as_bytes())?];
        let count = memchr_iter(b'"', ids).count() as u64 / 2;
        if n > self.offset + 1 {
            return None; // a hole
        }
        let fresh = (n + count).saturating_sub(self.offset + 1);
        self.offset += fresh;
        let replayed = if rest.ends_with(r#","replay":true}"#) { count } else { 0 };
        Some(Meaning::Messages(fresh, self.grant(replayed)))
    }

    fn grant(&mut self, replayed: u64) -> Option<String> {
        self.credit_used += replayed;
        let granted = (self.credit_used >= CREDIT / 2).then(|| std::mem::take(&mut self.credit_used))?;
        Some(json!({ "op": "more", "ch": CHANNEL, "credit": granted }).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBD: &str = r#"{"op":"subd","ch":"bench","epoch":"e","first":1,"head":4,"at":4,"resumed":false}"#;

    fn subscribed() -> Seamline {
        let mut peer = Seamline::new("c".into(), true);
        peer.hello();
        assert!(matches!(peer.read(r#"{"op":"welcome"}"#), Meaning::Answer(sub) if sub.contains("tail")));
        assert_eq!(peer.read(SUBD), Meaning::Nothing);
        assert_eq!(peer.read(r#"{"op":"live","ch":"bench","head":4}"#), Meaning::Ready);
        peer
    }

    fn msgs(n: u64, count: u64, end: &str) -> String {
        let ids = vec![r#""1-0""#; count as usize].join(",");
        let data = vec![r#"{"a":"]"}"#; count as usize].join(",");
        format!(r#"{{"op":"msgs","ch":"bench","n":{n},"ids":[{ids}],"data":[{data}]{end}}}"#)
    }

    #[test]
    fn messages_count_once_and_a_hole_is_an_error() {
        let mut peer = subscribed();
        assert_eq!(peer.read(&msgs(5, 2, "")), Meaning::Messages(2, None));
        assert_eq!(peer.read(&msgs(5, 3, "")), Meaning::Messages(1, None));
        assert_eq!(peer.read(&msgs(5, 1, "")), Meaning::Messages(0, None));
        assert!(matches!(peer.read(&msgs(9, 1, "")), Meaning::Wrong(_)));
    }

    #[test]
    fn it_resumes_from_its_position_and_grants_used_credit() {
        let mut peer = subscribed();
        peer.read(&msgs(5, 2, ""));
        peer.hello();
        let Meaning::Answer(sub) = peer.read(r#"{"op":"welcome"}"#) else { panic!("no sub") };
        assert!(sub.contains(r#""position":{"epoch":"e","offset":6}"#), "{sub}");
        assert_eq!(peer.read(&msgs(7, 999, r#","replay":true"#)), Meaning::Messages(999, None));
        let more = peer.read(&msgs(1006, 1, r#","replay":true"#));
        assert!(matches!(more, Meaning::Messages(1, Some(more)) if more.contains(r#""credit":1000"#)));
        assert!(matches!(peer.read(&SUBD.replace("4", "9")), Meaning::Wrong(_)));
    }
}
