//! The readers of frames, on both sides.

use seamline::wire::{ClientFields, ClientFrame, Fields, FrameError, MessageId, Msgs, ServerFrame};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{input, with_inputs};

/// As the client reads: field by field.
struct Object(Value);

impl Fields for Object {
    type Data = Value;

    fn text(&self, name: &'static str) -> Option<String> {
        self.0.get(name)?.as_str().map(str::to_owned)
    }

    fn number(&self, name: &'static str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }

    fn data(&self) -> Option<Value> {
        self.0.get("data").cloned()
    }
}

/// An error names what is wrong: the op, or the field.
fn is_named(error: &FrameError) {
    let text = error.to_string();
    match error {
        FrameError::UnknownOp(op) => assert!(text.contains(op.as_str()), "{text}"),
        FrameError::Missing { op, field } => {
            assert!(text.contains(op.as_str()) && text.contains(field), "{text}")
        }
    }
}

#[test]
fn a_server_survives_any_frame() {
    with_inputs(|rng| {
        let text = input::text(rng);
        let Ok(fields) = serde_json::from_str::<ClientFields<Box<RawValue>>>(&text) else { return };
        match ClientFrame::try_from(fields) {
            Err(error) => is_named(&error),
            // A frame that was read can be written, and reads the same again.
            Ok(frame) => {
                let json = frame.to_json(|data| data.get().to_owned());
                let again = serde_json::from_str::<ClientFields<Box<RawValue>>>(&json).expect(&json);
                let again = ClientFrame::try_from(again).expect(&json);
                assert_eq!(again.to_json(|data| data.get().to_owned()), json);
            }
        }
    });
}

#[test]
fn a_client_survives_any_frame() {
    with_inputs(|rng| {
        let text = input::text(rng);
        let _ = serde_json::from_str::<Msgs<Value>>(&text);
        let Ok(value) = serde_json::from_str::<Value>(&text) else { return };
        if let Err(error) = ServerFrame::read(&Object(value)) {
            is_named(&error);
        }
    });
}

#[test]
fn parsed_ids_print_as_they_were() {
    with_inputs(|rng| {
        let text = match rng.below(2) {
            0 => format!("{}-{}", input::number(rng), input::number(rng)),
            _ => input::text(rng).chars().filter(|c| c.is_ascii_digit() || *c == '-').collect(),
        };
        if let Ok(id) = text.parse::<MessageId>() {
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(
                (id.ms, id.seq),
                id.to_string()
                    .split_once('-')
                    .map(|(ms, seq)| (ms.parse().unwrap(), seq.parse().unwrap()))
                    .unwrap()
            );
        }
    });
}
