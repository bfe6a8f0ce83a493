//! The decoder beside the WebSocket library's.

use std::io::{self, Read, Write};

use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

use super::*;

const BYTES_MAX: usize = 300;

/// Seeded numbers: xorshift.
struct Numbers {
    state: u64,
    /// Whether a message was begun that is not complete.
    begun: bool,
}

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % end as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// A frame, which is wrong now and then.
    fn frame(&mut self) -> Vec<u8> {
        let opcode = match self.below(200) {
            0..20 => 9,
            20..40 => 10,
            40..43 => 8,
            43 => self.below(16) as u8,
            _ if self.begun => 0,
            opcode => 1 + opcode as u8 % 2,
        };
        let fin = if opcode >= 8 { !self.one_in(100) } else { self.one_in(2) };
        self.begun = if opcode < 8 { !fin } else { self.begun };
        let rsv = if self.one_in(100) { 1 << self.below(3) } else { 0 };
        let length = match self.below(40) {
            0..10 => self.below(10),
            10..36 => self.below(30),
            36 => 125,
            37 => 126,
            _ => self.below(BYTES_MAX + 20),
        };
        let length = if opcode >= 8 && !self.one_in(100) { length.min(125) } else { length };
        let mut frame = vec![u8::from(fin) << 7 | rsv << 4 | opcode];
        let masked = u8::from(!self.one_in(100)) << 7;
        match length {
            0..126 => frame.push(masked | length as u8),
            _ => frame.extend([&[masked | 126][..], &(length as u16).to_be_bytes()].concat()),
        }
        let mask = [self.below(256) as u8, 1, 2, 3];
        if masked != 0 {
            frame.extend(mask);
        }
        let letter = if self.one_in(100) { 0xC3 } else { b'x' };
        let mut payload = vec![letter; length];
        let code = [[3, 0xE8], [3, 0xEC]][self.below(2)]; // of a close: 1000 is allowed, 1004 is not
        payload.iter_mut().zip(code).for_each(|(byte, code)| *byte = if opcode == 8 { code } else { *byte });
        let masks = mask.into_iter().map(|byte| if masked == 0 { 0 } else { byte });
        frame.extend(payload.iter().zip(masks.cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }
}

/// What the library reads from, and writes its replies to.
struct Stream<'a> {
    bytes: &'a [u8],
    replies: Vec<u8>,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.bytes.is_empty() {
            true => Err(io::ErrorKind::WouldBlock.into()),
            false => self.bytes.read(buffer),
        }
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, frames: &[u8]) -> io::Result<usize> {
        self.replies.write(frames)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Decoded = (Vec<Message>, Option<String>);

/// What the library makes of it: messages, an error, and the replies.
fn expected(bytes: &[u8]) -> (Decoded, Vec<u8>) {
    let config = WebSocketConfig::default()
        .write_buffer_size(0)
        .max_message_size(Some(BYTES_MAX))
        .max_frame_size(Some(BYTES_MAX));
    let mut library = WebSocketContext::new(Role::Server, Some(config));
    let (mut stream, mut messages) = (Stream { bytes, replies: Vec::new() }, Vec::new());
    loop {
        match library.read(&mut stream) {
            // What it returns is what it replies.
            Ok(Message::Close(_)) => messages.push(Message::Close(None)),
            Ok(message) => messages.push(message),
            Err(Error::Io(_) | Error::ConnectionClosed) => return ((messages, None), stream.replies),
            Err(e) => return ((messages, Some(e.to_string())), stream.replies),
        }
    }
}

/// The same with this decoder, in pieces of random length.
fn decoded(mut bytes: &[u8], numbers: &mut Numbers) -> (Decoded, Vec<u8>) {
    let mut decoder = Decoder::new(BYTES_MAX);
    let (mut messages, mut replies) = (Vec::new(), Vec::new());
    while let Some(piece) =
        bytes.split_off(..(1 + numbers.below(40)).min(bytes.len())).filter(|it| !it.is_empty())
    {
        let mut piece = Bytes::copy_from_slice(piece);
        loop {
            match decoder.next(&mut piece) {
                Ok(Some(message)) => {
                    reply(&message).into_iter().for_each(|frame| frame.format(&mut replies).unwrap());
                    if message.is_close() {
                        messages.push(Message::Close(None));
                        return ((messages, None), replies);
                    }
                    messages.push(message);
                }
                Ok(None) => break,
                Err(e) => return ((messages, Some(e.to_string())), replies),
            }
        }
    }
    ((messages, None), replies)
}

#[test]
fn it_decodes_like_the_library() {
    let (mut errors, mut closes, mut count) = (0, 0, 0);
    for seed in 1..5000 {
        let mut numbers = Numbers { state: seed, begun: false };
        let bytes: Vec<u8> = (0..30).flat_map(|_| numbers.frame()).collect();
        let (expected, decoded) = (expected(&bytes), decoded(&bytes, &mut numbers));
        let ((messages, error), replies) = expected;
        // The library looks at each piece of a text, this decoder at the whole.
        if !error.as_ref().is_some_and(|e| e.contains("UTF-8")) {
            assert_eq!(decoded, ((messages.clone(), error.clone()), replies), "seed {seed}");
        }
        errors += usize::from(error.is_some());
        closes += usize::from(messages.last().is_some_and(Message::is_close));
        count += messages.len();
    }
    assert!(errors > 1000 && closes > 500 && count > 20_000, "{errors} {closes} {count}");
}

#[test]
fn what_is_complete_takes_no_memory() {
    let mut decoder = Decoder::new(BYTES_MAX);
    let frames = [&[0x01, 0x81, 0, 0, 0, 0, b'a'][..], &[0x80, 0x81, 0, 0, 0, 0, b'b']].concat();
    let (mut first, mut second) =
        (Bytes::copy_from_slice(&frames[..9]), Bytes::copy_from_slice(&frames[9..]));
    assert_eq!(decoder.next(&mut first).unwrap(), None);
    assert!(decoder.partial.is_some());
    assert_eq!(decoder.next(&mut second).unwrap(), Some(Message::text("ab")));
    assert!(decoder.partial.is_none());
}

#[test]
fn a_large_frame_is_refused_by_its_header() {
    for length in [BYTES_MAX as u64 + 1, u64::MAX] {
        let header = [&[0x82, 0xFF][..], &length.to_be_bytes(), &[0; 4]].concat();
        let refused = Decoder::new(BYTES_MAX).next(&mut header.into());
        assert!(matches!(refused, Err(Error::Capacity(_))), "{length}");
    }
}
