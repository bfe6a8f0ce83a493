//! Frames from and to text.

use std::fmt::Write;

use seamline::wire::{ClientFields, ClientFrame, FrameError, ServerFrame};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::log::Message;

/// A frame from a client.
pub(in crate::ws) type FromClient = ClientFrame<Box<RawValue>>;
/// A frame to a client.
pub(in crate::ws) type ToClient<'a> = ServerFrame<&'a RawValue>;

/// Why a frame was not understood.
#[derive(Debug)]
pub(in crate::ws) enum NotAFrame {
    /// The client may be newer than we are: not its fault.
    UnknownOp(String),
    /// What is wrong, as a sentence.
    Bad(String),
}

/// Reads a client's frame.
pub(in crate::ws) fn parse(text: &str) -> Result<FromClient, NotAFrame> {
    let frame = match serde_json::from_str::<ClientFields<Box<RawValue>>>(text) {
        Ok(fields) => ClientFrame::try_from(fields),
        // An op of the future may use our field names for values of other types.
        Err(e) => match op_of(text) {
            Some(op) if !KNOWN_OPS.contains(&op.as_str()) => Err(FrameError::UnknownOp(op)),
            _ => return Err(NotAFrame::Bad(not_a_frame(&e))),
        },
    };
    match frame {
        Ok(frame) => Ok(frame),
        Err(FrameError::UnknownOp(op)) if op.is_empty() => {
            Err(NotAFrame::Bad("the frame has no `op`".into()))
        }
        Err(FrameError::UnknownOp(op)) => Err(NotAFrame::UnknownOp(op)),
        Err(missing) => Err(NotAFrame::Bad(missing.to_string())),
    }
}

/// Without what stands there, which serde would quote: it may be a token or a payload, and this is logged.
fn not_a_frame(e: &serde_json::Error) -> String {
    let what = if e.is_data() { "a field is missing or of the wrong type" } else { "it is not JSON" };
    format!("not a frame: {what}, at line {} column {}", e.line(), e.column())
}

const KNOWN_OPS: [&str; 9] = ["hello", "sub", "more", "unsub", "pub", "cast", "ack", "token", "ping"];

fn op_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Op {
        op: String,
    }
    serde_json::from_str::<Op>(text).ok().map(|frame| frame.op)
}

/// Writes any frame but `msgs`.
pub(in crate::ws) fn text(frame: &ToClient<'_>) -> String {
    serde_json::to_string(frame).expect("texts and numbers have a JSON form")
}

/// An `err` frame.
pub(in crate::ws) fn err(code: &str, message: impl ToString, ch: Option<&str>) -> ToClient<'static> {
    ToClient::Err {
        code: code.into(),
        message: message.to_string(),
        ch: ch.map(Into::into),
        reference: None,
        retry_after_ms: None,
    }
}

/// The `err` that answers a `sub`, or ends its subscription.
pub(in crate::ws) fn sub_err(
    code: &str,
    message: impl ToString,
    ch: &str,
    reference: Option<u64>,
    retry_after_ms: Option<u64>,
) -> ToClient<'static> {
    let (code, message, ch) = (code.into(), message.to_string(), Some(ch.into()));
    ToClient::Err { code, message, ch, reference, retry_after_ms }
}

/// Writes a `msgs` frame: what serde would make of [`Msgs`](seamline::wire::Msgs). By hand, because
/// the payloads are JSON text already; serde_json would parse each once more only to trust it.
pub(in crate::ws) fn msgs<'a>(
    ch: &str,
    run: impl ExactSizeIterator<Item = &'a Message> + Clone,
    replay: bool,
) -> String {
    let bytes: usize = run.clone().map(|message| message.data.len() + 24).sum();
    let n = run.clone().next().map_or(0, |message| message.offset);
    let ch = serde_json::to_string(ch).expect("a text has a JSON form");
    let mut frame = String::with_capacity(bytes + ch.len() + 80);
    frame.push_str(r#"{"op":"msgs","ch":"#);
    frame.push_str(&ch);
    let _ = write!(frame, r#","n":{n},"ids":["#); // writing to a String cannot fail
    for (i, message) in run.clone().enumerate() {
        let _ = write!(frame, r#"{}"{}""#, if i == 0 { "" } else { "," }, message.id);
    }
    frame.push_str(r#"],"data":["#);
    for (i, message) in run.enumerate() {
        frame.push_str(if i == 0 { "" } else { "," });
        frame.push_str(&message.data);
    }
    frame.push_str(if replay { r#"],"replay":true}"# } else { "]}" });
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use seamline::wire::{MessageId, Msgs};

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
    fn an_op_of_the_future_is_unknown_whatever_its_fields() {
        for text in [r#"{"op":"future"}"#, r#"{"op":"future","ch":7,"offset":"x"}"#] {
            assert!(matches!(parse(text), Err(NotAFrame::UnknownOp(op)) if op == "future"));
        }
        for text in [r#"{"op":"sub","ch":7}"#, "{}", "7", "", r#"{"op":7}"#, r#"{"op":"sub"}"#] {
            assert!(matches!(parse(text), Err(NotAFrame::Bad(_))), "{text}");
        }
    }
}
