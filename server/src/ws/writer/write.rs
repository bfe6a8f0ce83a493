//! One write to the socket.

use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::frame_size::FrameSize;
use super::outgoing::{BulkPermit, Out};
use crate::ws::dialect::Dialect;
use crate::ws::dialect::frames::ToClient;

/// A write of small frames takes no more of them from this size on.
const GATHERED_BYTES_MAX: usize = 8 * 1024;

/// What is written at once: small frames, then perhaps one large one.
#[derive(Default)]
pub(super) struct Write {
    /// Small frames, and the header of the large one.
    pub gathered: Vec<u8>,
    /// The payload of the large one.
    pub large: Bytes,
    /// The bytes of feeds in it.
    pub bulk_bytes: usize,
    /// Released when they are written.
    permits: Vec<BulkPermit>,
    /// Whether the last frame is in it.
    pub last: bool,
}

impl Write {
    pub fn is_full(&self) -> bool {
        self.last || !self.large.is_empty() || self.gathered.len() >= GATHERED_BYTES_MAX
    }

    pub fn put(&mut self, out: Out, dialect: Dialect, size: &FrameSize) {
        match out {
            Out::Text(text) => self.put_text(text.into(), dialect, size),
            Out::Bulk { frame, permit } => {
                self.bulk_bytes += frame.len();
                self.permits.extend(permit);
                self.put_text(frame, dialect, size);
            }
            Out::Ping => self.put_frame(Frame::ping(Bytes::new())),
            Out::Live(_) => {} // it never comes here: see `Writer::waiting`
            Out::Control(frames) => self.gathered.extend_from_slice(&frames),
            Out::Close(frame) => {
                self.put_frame(Frame::close(Some(frame)));
                self.last = true;
            }
        }
    }

    /// Adds a text, announced if it is a large one. Nothing comes between the two.
    fn put_text(&mut self, text: Bytes, dialect: Dialect, size: &FrameSize) {
        let incoming = ToClient::Incoming { bytes: text.len() as u64 };
        if size.is_slow_for(text.len())
            && let Some(incoming) = dialect.text(&incoming)
        {
            self.put_frame(text_frame(incoming.into()));
        }
        self.put_frame(text_frame(text));
    }

    fn put_frame(&mut self, frame: Frame) {
        if frame.payload().len() <= GATHERED_BYTES_MAX {
            self.gathered.reserve(frame.len());
            let _ = frame.format(&mut self.gathered); // writing to a Vec cannot fail
        } else {
            let _ = frame.header().format(frame.payload().len() as u64, &mut self.gathered);
            self.large = frame.into_payload();
        }
    }
}

fn text_frame(text: Bytes) -> Frame {
    Frame::message(text, OpCode::Data(Data::Text), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of a write of frames of these sizes, and how many of the frames are in it.
    fn written(sizes: &[usize]) -> (Vec<u8>, usize) {
        let (mut write, mut count) = (Write::default(), 0);
        let frame_size = FrameSize::new();
        for size in sizes {
            if write.is_full() {
                break;
            }
            let out = Out::Bulk { frame: "x".repeat(*size).into(), permit: None };
            write.put(out, Dialect::Plain, &frame_size);
            count += 1;
        }
        ([&*write.gathered, &*write.large].concat(), count)
    }

    /// As RFC 6455 says: the last fragment of a text, and its length in one byte, two or eight.
    fn expected(size: usize) -> Vec<u8> {
        let mut frame = vec![0x81];
        match size {
            0..126 => frame.push(size as u8),
            126..65_536 => frame.extend([&[126][..], &(size as u16).to_be_bytes()].concat()),
            _ => frame.extend([&[127][..], &(size as u64).to_be_bytes()].concat()),
        }
        frame.extend("x".repeat(size).bytes());
        frame
    }

    #[test]
    fn frames_that_wait_together_are_one_write() {
        let max = GATHERED_BYTES_MAX;
        for sizes in
            [&[0, 1, 125][..], &[126, 127], &[1, 70_000], &[100, max, 1], &[max + 1, 1], &[3 * max, 3 * max]]
        {
            let (bytes, count) = written(sizes);
            let frames: Vec<u8> = sizes[..count].iter().flat_map(|size| expected(*size)).collect();
            assert!(bytes == frames, "{sizes:?}: {count}");
            let in_one = sizes.iter().rposition(|size| *size >= max).map_or(sizes.len(), |_| count);
            assert_eq!(count, in_one, "{sizes:?}");
        }
    }
}
