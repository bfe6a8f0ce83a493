//! The frames of `seamline.v1`, from and to text.

use std::fmt::Write;

use seamline::wire::{
    ClientFields, ClientFrame, FrameError, READ_FEATURE, Read, ReadNack, ServerFrame, close, code,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::log::{ChannelInfo, Message, Page};
use crate::refusal::Refusal;

/// A frame from a client.
#[derive(Debug)]
pub(in crate::ws) enum FromClient {
    /// One that the client core sends.
    Core(ClientFrame<Box<RawValue>>),
    /// A request for messages of the past.
    Read(Read),
}
/// A frame to a client.
pub(in crate::ws) type ToClient<'a> = ServerFrame<&'a RawValue>;

/// Why a frame was not understood.
#[derive(Debug)]
pub(in crate::ws) enum ParseError {
    /// The client may be newer than the server: not its fault.
    UnknownOp(String),
    /// The frame does not follow the protocol: what is wrong with it, as a sentence.
    Malformed(String),
}

/// Reads a client's frame.
pub(in crate::ws) fn parse(text: &str) -> Result<FromClient, ParseError> {
    let frame = match serde_json::from_str::<ClientFields<Box<RawValue>>>(text) {
        Ok(fields) if fields.op == "read" => Read::try_from(fields).map(FromClient::Read),
        Ok(fields) => ClientFrame::try_from(fields).map(FromClient::Core),
        // A future op may use the known field names for values of other types.
        Err(e) => match op_of(text) {
            Some(op) if !KNOWN_OPS.contains(&op.as_str()) => Err(FrameError::UnknownOp(op)),
            _ => return Err(ParseError::Malformed(malformed(&e))),
        },
    };
    match frame {
        Ok(frame) => Ok(frame),
        Err(FrameError::UnknownOp(op)) if op.is_empty() => {
            Err(ParseError::Malformed("the frame has no `op`".into()))
        }
        Err(FrameError::UnknownOp(op)) => Err(ParseError::UnknownOp(op)),
        Err(missing) => Err(ParseError::Malformed(missing.to_string())),
    }
}

/// Leaves out the value, which serde would quote: it may be a token or a payload, and this is logged.
fn malformed(e: &serde_json::Error) -> String {
    let what = if e.is_data() { "a field is missing or of the wrong type" } else { "it is not JSON" };
    format!("not a frame: {what}, at line {} column {}", e.line(), e.column())
}

const KNOWN_OPS: [&str; 10] =
    ["hello", "sub", "more", "unsub", "pub", "cast", "ack", "token", "ping", "read"];

fn op_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Op {
        op: String,
    }
    serde_json::from_str::<Op>(text).ok().map(|frame| frame.op)
}

/// Writes any frame except `msgs`.
pub(in crate::ws) fn text(frame: &ToClient<'_>) -> String {
    serde_json::to_string(frame).expect("texts and numbers have a JSON form")
}

/// A `welcome`, with what this server can do beyond the first version of the protocol.
pub(in crate::ws) fn welcome(session: &str, heartbeat_ms: u64, max_frame_bytes: u64) -> String {
    #[derive(Serialize)]
    struct Welcome<'a> {
        #[serde(flatten)]
        welcome: ToClient<'a>,
        features: [&'static str; 1],
    }
    let welcome = ToClient::Welcome { session: session.to_owned(), heartbeat_ms, max_frame_bytes };
    serde_json::to_string(&Welcome { welcome, features: [READ_FEATURE] })
        .expect("texts and numbers have a JSON form")
}

/// A refusal as the `readnack` that answers a `read`.
pub(in crate::ws) fn readnack(reference: u64, ch: &str, refusal: &Refusal) -> String {
    let nack = ReadNack {
        reference,
        ch: ch.to_owned(),
        code: refusal.code.to_owned(),
        message: refusal.message.clone(),
        retry_after_ms: refusal.retry_after_ms(),
    };
    serde_json::to_string(&nack).expect("texts and numbers have a JSON form")
}

/// A refusal as an `err` frame. With `ch`, it is about that channel; with `reference`, it answers that `sub`.
pub(in crate::ws) fn err(refusal: &Refusal, ch: Option<&str>, reference: Option<u64>) -> ToClient<'static> {
    ToClient::Err {
        code: refusal.code.into(),
        message: refusal.message.clone(),
        ch: ch.map(Into::into),
        reference,
        retry_after_ms: refusal.retry_after_ms(),
    }
}

/// A refusal as the `pubnack` that answers a publication.
pub(in crate::ws) fn pubnack(ch: String, key: String, refusal: Refusal) -> ToClient<'static> {
    let retry_after_ms = refusal.retry_after_ms();
    ToClient::PubNack { ch, key, code: refusal.code.into(), message: refusal.message, retry_after_ms }
}

/// The code of the close that a refusal is the reason for.
pub(in crate::ws) fn close_code(refusal: &Refusal) -> u16 {
    match refusal.code {
        code::UNAUTHORIZED => close::UNAUTHORIZED,
        code::FORBIDDEN => close::FORBIDDEN,
        code::TOO_MANY_CONNECTIONS => close::TOO_FAST,
        code::AUTHORIZATION_ERROR | code::LOG_ERROR => close::TRY_AGAIN_LATER,
        _ => close::BAD_FRAME,
    }
}

/// Writes a `msgs` frame: what serde would make of [`Msgs`](seamline::wire::Msgs). By hand, because
/// the payloads are JSON text already, and serde_json would parse each of them again.
pub(in crate::ws) fn msgs<'a>(
    ch: &str,
    run: impl ExactSizeIterator<Item = &'a Message> + Clone,
    replay: bool,
) -> String {
    let ch = serde_json::to_string(ch).expect("a text has a JSON form");
    let head = format!(r#"{{"op":"msgs","ch":{ch}"#);
    with_messages(head, run, if replay { r#","replay":true}"# } else { "}" })
}

/// Writes a `page` frame: what serde would make of [`HistoryPage`](seamline::wire::HistoryPage).
pub(in crate::ws) fn page(reference: u64, ch: &str, page: &Page) -> String {
    let ch = serde_json::to_string(ch).expect("a text has a JSON form");
    let ChannelInfo { epoch, first, head } = &page.info;
    let epoch = serde_json::to_string(epoch).expect("a text has a JSON form");
    let start =
        format!(r#"{{"op":"page","ref":{reference},"ch":{ch},"epoch":{epoch},"first":{first},"head":{head}"#);
    with_messages(start, page.messages.iter(), "}")
}

/// Appends a run of messages to the start of a frame, and its end.
fn with_messages<'a>(
    mut frame: String,
    run: impl ExactSizeIterator<Item = &'a Message> + Clone,
    end: &str,
) -> String {
    let bytes: usize = run.clone().map(|message| message.data.len() + 24).sum();
    let n = run.clone().next().map_or(0, |message| message.offset);
    frame.reserve(bytes + 60);
    let _ = write!(frame, r#","n":{n},"ids":["#); // writing to a String cannot fail
    for (i, message) in run.clone().enumerate() {
        let _ = write!(frame, r#"{}"{}""#, if i == 0 { "" } else { "," }, message.id);
    }
    frame.push_str(r#"],"data":["#);
    for (i, message) in run.enumerate() {
        frame.push_str(if i == 0 { "" } else { "," });
        frame.push_str(&message.data);
    }
    frame.push(']');
    frame.push_str(end);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use seamline::wire::{HistoryPage, MessageId, Msgs};

    #[test]
    fn a_refusal_has_a_close_code() {
        let table = [
            (Refusal::unauthorized("no"), 4401),
            (Refusal::another_user(), 4403),
            (Refusal::too_many_connections("this user", 1), 4429),
            (Refusal::undecided("read", "c"), 1013),
            (Refusal::bad_frame("no"), 4400),
            (Refusal::new(code::BAD_VERSION, "no"), 4400),
        ];
        for (refusal, expected) in table {
            assert_eq!(close_code(&refusal), expected, "{refusal:?}");
        }
    }

    #[test]
    fn msgs_are_written_as_serde_would() {
        for (replay, count) in [(false, 1), (true, 3)] {
            let data = |offset: u64| format!(r#"{{"text":"a \"quoted\" {offset}"}}"#);
            let run: Vec<Message> = (7..7 + count)
                .map(|offset| {
                    let id = MessageId { ms: 1000 + offset, seq: offset };
                    Message { offset, id, data: data(offset).into() }
                })
                .collect();
            let by_serde = serde_json::to_string(&Msgs {
                ch: "a \"channel\"".into(),
                n: 7,
                ids: run.iter().map(|message| message.id).collect(),
                data: run.iter().map(|m| RawValue::from_string(m.data.to_string()).unwrap()).collect(),
                replay,
            });
            assert_eq!(msgs("a \"channel\"", run.iter(), replay), by_serde.unwrap());
        }
    }

    #[test]
    fn a_page_is_written_as_serde_would() {
        for count in [0, 1, 3] {
            let message = |offset| Message {
                offset,
                id: MessageId { ms: offset, seq: 1 },
                data: format!(r#"{{"text":"a \"quoted\" {offset}"}}"#).into(),
            };
            let messages: Vec<_> = (7..7 + count).map(message).collect();
            let info = ChannelInfo { epoch: "e".into(), first: 2, head: 9 };
            let by_serde = serde_json::to_string(&HistoryPage {
                reference: 3,
                ch: "a \"channel\"".into(),
                epoch: "e".into(),
                first: 2,
                head: 9,
                n: if count == 0 { 0 } else { 7 },
                ids: messages.iter().map(|message| message.id).collect(),
                data: messages.iter().map(|m| RawValue::from_string(m.data.to_string()).unwrap()).collect(),
            });
            assert_eq!(page(3, "a \"channel\"", &Page { info, messages }), by_serde.unwrap());
        }
    }

    #[test]
    fn a_future_op_is_unknown_whatever_its_fields() {
        for text in [r#"{"op":"future"}"#, r#"{"op":"future","ch":7,"offset":"x"}"#] {
            assert!(matches!(parse(text), Err(ParseError::UnknownOp(op)) if op == "future"));
        }
        for text in [r#"{"op":"sub","ch":7}"#, "{}", "7", "", r#"{"op":7}"#, r#"{"op":"sub"}"#] {
            assert!(matches!(parse(text), Err(ParseError::Malformed(_))), "{text}");
        }
    }
}
