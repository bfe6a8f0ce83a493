//! How large a frame of messages may be. On a fast link large ones are best, because a page spends its time per frame.
//! On a slow one each of them delays everything behind it, including the answer to a ping.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Messages in one frame.
pub(in crate::ws) const FRAME_MESSAGES_MAX: usize = 500;
/// Payload bytes in a frame on a fast link; a larger message has a frame to itself.
pub(in crate::ws) const FRAME_BYTES_MAX: usize = 96 * 1024;
/// On the slowest link.
const FRAME_BYTES_MIN: usize = 4 * 1024;
/// Before anything is known about the link.
const FRAME_BYTES_FIRST: usize = 16 * 1024;
/// A link that accepts each frame within this time gets larger ones …
const QUICK: Duration = Duration::from_millis(100);
/// … and one that takes longer than this for a frame gets half the size.
const SLOW: Duration = Duration::from_millis(400);
/// How many bytes in a row show that a link is fast, or twice the size of a frame if that is more. Fewer may only have
/// filled the system's buffers.
const FAST_BYTES: usize = 32 * 1024;
/// From this size on, frames take a while to arrive. On a link that has shown to be slow, smaller ones do as well.
const LARGE_FRAME_BYTES: usize = 4 * 1024;

/// The size for one socket. The writer sets it, and all feeds use it.
pub(in crate::ws) struct FrameSize {
    bytes_max: AtomicUsize,
    /// Bytes that were accepted quickly, one frame after the other.
    quick: AtomicUsize,
}

impl FrameSize {
    pub fn new() -> Self {
        FrameSize { bytes_max: AtomicUsize::new(FRAME_BYTES_FIRST), quick: AtomicUsize::new(0) }
    }

    /// Payload bytes that a frame may have now.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max.load(Ordering::Relaxed)
    }

    /// Whether to announce a frame of this size to the client.
    pub fn is_slow_for(&self, bytes: usize) -> bool {
        bytes >= LARGE_FRAME_BYTES.min(self.bytes_max() / 2)
    }

    /// Records how long the socket took to accept a frame. Only the writer calls it.
    pub fn written(&self, bytes: usize, took: Duration) {
        let size = self.bytes_max();
        // A large message counts by its rate.
        let took = took.mul_f64(size as f64 / bytes.max(size) as f64);
        if took > SLOW {
            self.set((size / 2).max(FRAME_BYTES_MIN));
        } else if took > QUICK {
            self.quick.store(0, Ordering::Relaxed);
        } else if bytes >= size / 2 {
            // A small frame says nothing about large ones.
            let quick = self.quick.load(Ordering::Relaxed) + bytes;
            if quick >= FAST_BYTES.max(2 * size) {
                self.set((size * 2).min(FRAME_BYTES_MAX));
            } else {
                self.quick.store(quick, Ordering::Relaxed);
            }
        }
    }

    fn set(&self, bytes_max: usize) {
        self.bytes_max.store(bytes_max, Ordering::Relaxed);
        self.quick.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Duration = Duration::ZERO;

    #[test]
    fn frames_grow_while_the_link_is_fast() {
        let size = FrameSize::new();
        let mut sizes = vec![size.bytes_max()];
        for _ in 0..7 {
            size.written(size.bytes_max(), NONE);
            sizes.push(size.bytes_max());
        }
        assert_eq!(sizes, [16, 16, 32, 32, 64, 64, 96, 96].map(|kib| kib * 1024));
    }

    #[test]
    fn frames_shrink_while_the_link_is_slow() {
        let size = FrameSize::new();
        for _ in 0..4 {
            size.written(size.bytes_max(), Duration::from_secs(1));
        }
        assert_eq!(size.bytes_max(), FRAME_BYTES_MIN);
    }

    #[test]
    fn a_large_message_does_not_make_the_link_slow() {
        let size = FrameSize::new();
        size.written(4_000_000, Duration::from_secs(4)); // 1 MB/s
        assert_eq!(size.bytes_max(), 2 * FRAME_BYTES_FIRST);
        size.written(4_000_000, Duration::from_secs(400)); // 10 KB/s
        assert_eq!(size.bytes_max(), FRAME_BYTES_FIRST);
    }

    #[test]
    fn a_filled_buffer_does_not_make_the_link_fast() {
        let size = FrameSize::new();
        for _ in 0..10 {
            size.written(FRAME_BYTES_FIRST, NONE);
            size.written(FRAME_BYTES_FIRST, (QUICK + SLOW) / 2);
        }
        assert_eq!(size.bytes_max(), FRAME_BYTES_FIRST);
    }

    #[test]
    fn a_slow_link_gets_smaller_frames_announced() {
        let size = FrameSize::new();
        let announced = |size: &FrameSize| (1..100).find(|kib| size.is_slow_for(kib * 1024));
        assert_eq!(announced(&size), Some(4));
        size.written(0, Duration::from_secs(1));
        size.written(0, Duration::from_secs(1));
        assert_eq!(announced(&size), Some(2));
        (0..5).for_each(|_| size.written(FRAME_BYTES_MAX, NONE));
        assert_eq!(announced(&size), Some(4));
    }

    #[test]
    fn a_small_frame_does_not_make_the_link_fast() {
        let size = FrameSize::new();
        size.written(100, NONE);
        size.written(FRAME_BYTES_FIRST, (QUICK + SLOW) / 2);
        assert_eq!(size.bytes_max(), FRAME_BYTES_FIRST);
    }
}
