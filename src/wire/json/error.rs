//! Errors in a frame.

use std::fmt;

/// What is wrong with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The `op` is missing or unknown. Ignore the frame: the peer may be newer.
    UnknownOp(String),
    /// A field that the op requires is missing.
    Missing {
        /// The op.
        op: String,
        /// The field.
        field: &'static str,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::UnknownOp(op) => f.write_str("unknown op `").and_then(|()| f.write_str(op)),
            FrameError::Missing { op, field } => {
                f.write_str("`").and_then(|()| f.write_str(op))?;
                f.write_str("` needs the field `").and_then(|()| f.write_str(field))
            }
        }?;
        f.write_str("`")
    }
}

impl std::error::Error for FrameError {}
