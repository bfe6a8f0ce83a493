//! Turns the bytes that a client sends into messages (RFC 6455 §5).
//!
//! The WebSocket library has a reader too, but with a buffer and a state in every connection. Here, only what is
//! incomplete takes memory, and an idle connection has none. Headers are still read by the library.

use std::io::Cursor;

use bytes::{Buf, Bytes};
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// The most that a control frame may carry (RFC 6455 §5.5).
const CONTROL_BYTES_MAX: usize = 125;

/// See the module.
pub(super) struct Decoder {
    /// The most bytes that a message may have, in however many frames.
    bytes_max: usize,
    partial: Option<Box<Partial>>,
}

/// What is incomplete.
#[derive(Default)]
struct Partial {
    /// The beginning of a header.
    head: Vec<u8>,
    /// A header, the length of its payload, and the beginning of that.
    frame: Option<(FrameHeader, usize, Vec<u8>)>,
    /// The first frames of a message, and whether it is text.
    message: Option<(bool, Vec<u8>)>,
}

impl Decoder {
    pub fn new(bytes_max: usize) -> Self {
        Decoder { bytes_max, partial: None }
    }

    /// Takes bytes until they complete a message. Returns `None` if it needs more. After an error other than
    /// [`Error::Utf8`], what follows cannot be decoded.
    pub fn next(&mut self, bytes: &mut Bytes) -> Result<Option<Message>, Error> {
        let mut partial = self.partial.take().map(|partial| *partial).unwrap_or_default();
        let message = partial.next(bytes, self.bytes_max);
        if partial.is_any() {
            self.partial = Some(Box::new(partial));
        }
        message
    }
}

impl Partial {
    fn is_any(&self) -> bool {
        !self.head.is_empty() || self.frame.is_some() || self.message.is_some()
    }

    fn next(&mut self, bytes: &mut Bytes, bytes_max: usize) -> Result<Option<Message>, Error> {
        while let Some((header, payload)) = self.next_frame(bytes, bytes_max)? {
            let message = match header.opcode {
                OpCode::Control(control) => Some(control_message(&header, control, payload.into())?),
                OpCode::Data(data) => self.data_message(&header, data, payload, bytes_max)?,
            };
            if message.is_some() {
                return Ok(message);
            }
        }
        Ok(None)
    }

    /// The next frame, without its mask.
    fn next_frame(
        &mut self,
        bytes: &mut Bytes,
        bytes_max: usize,
    ) -> Result<Option<(FrameHeader, Vec<u8>)>, Error> {
        let begun = match self.frame.take() {
            Some(begun) => Some(begun),
            None => self.next_header(bytes)?.map(|(header, length)| (header, length, Vec::new())),
        };
        let Some((header, length, mut payload)) = begun else { return Ok(None) };
        check_size(length, bytes_max)?; // before the payload is in memory
        payload.extend_from_slice(&bytes.split_to(bytes.len().min(length - payload.len())));
        if payload.len() < length {
            self.frame = Some((header, length, payload));
            return Ok(None);
        }
        let mask = header.mask.ok_or(ProtocolError::UnmaskedFrameFromClient)?;
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(ProtocolError::NonZeroReservedBits.into());
        }
        unmask(&mut payload, mask);
        Ok(Some((header, payload)))
    }

    /// The next header, and the length of the payload.
    fn next_header(&mut self, bytes: &mut Bytes) -> Result<Option<(FrameHeader, usize)>, Error> {
        if !self.head.is_empty() {
            let mut head = std::mem::take(&mut self.head);
            head.extend_from_slice(bytes);
            *bytes = head.into();
        }
        let mut cursor = Cursor::new(&bytes[..]);
        let parsed = FrameHeader::parse(&mut cursor)?;
        let Some((header, length)) = parsed else {
            self.head = std::mem::take(bytes).into();
            return Ok(None);
        };
        let header_bytes = cursor.position() as usize;
        bytes.advance(header_bytes);
        Ok(Some((header, usize::try_from(length).unwrap_or(usize::MAX))))
    }

    /// A message that this frame completes.
    fn data_message(
        &mut self,
        header: &FrameHeader,
        data: Data,
        payload: Vec<u8>,
        bytes_max: usize,
    ) -> Result<Option<Message>, Error> {
        let (is_text, message) = match (data, self.message.take()) {
            (Data::Continue, None) => return Err(ProtocolError::UnexpectedContinueFrame.into()),
            (Data::Continue, Some((is_text, mut message))) => {
                check_size(message.len() + payload.len(), bytes_max)?;
                message.extend_from_slice(&payload);
                (is_text, message)
            }
            (data, Some(_)) => return Err(ProtocolError::ExpectedFragment(data).into()),
            (data, None) => (data == Data::Text, payload),
        };
        if !header.is_final {
            self.message = Some((is_text, message));
            return Ok(None);
        }
        let message = Bytes::from(message);
        Ok(Some(if is_text { Message::Text(message.try_into()?) } else { Message::Binary(message) }))
    }
}

fn control_message(header: &FrameHeader, control: Control, payload: Bytes) -> Result<Message, Error> {
    if !header.is_final {
        return Err(ProtocolError::FragmentedControlFrame.into());
    }
    if payload.len() > CONTROL_BYTES_MAX {
        return Err(ProtocolError::ControlFrameTooBig.into());
    }
    match control {
        Control::Close => Ok(Message::Close(close_frame(payload)?)),
        Control::Ping => Ok(Message::Ping(payload)),
        Control::Pong => Ok(Message::Pong(payload)),
        Control::Reserved(opcode) => Err(ProtocolError::UnknownControlFrameType(opcode).into()),
    }
}

fn close_frame(payload: Bytes) -> Result<Option<CloseFrame>, Error> {
    match payload[..] {
        [] => Ok(None),
        [_] => Err(ProtocolError::InvalidCloseSequence.into()),
        [high, low, ..] => {
            let code = CloseCode::from(u16::from_be_bytes([high, low]));
            Ok(Some(CloseFrame { code, reason: payload.slice(2..).try_into()? }))
        }
    }
}

/// What a message has to be answered with (RFC 6455 §5.5.1 and §5.5.2).
pub(super) fn reply(message: &Message) -> Option<Frame> {
    match message {
        Message::Ping(payload) => Some(Frame::pong(payload.clone())),
        Message::Close(Some(frame)) if !frame.code.is_allowed() => {
            let reason = Utf8Bytes::from_static("Protocol violation");
            Some(Frame::close(Some(CloseFrame { code: CloseCode::Protocol, reason })))
        }
        Message::Close(frame) => Some(Frame::close(frame.clone())),
        _ => None,
    }
}

fn check_size(size: usize, max_size: usize) -> Result<(), Error> {
    match size <= max_size {
        true => Ok(()),
        false => Err(CapacityError::MessageTooLong { size, max_size }.into()),
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let twice = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    words.iter_mut().for_each(|word| *word = (u64::from_ne_bytes(*word) ^ twice).to_ne_bytes());
    rest.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
}

#[cfg(test)]
mod tests;
