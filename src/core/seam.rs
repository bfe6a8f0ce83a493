//! The seam: classifies a frame of messages against the position, up to which everything was delivered.
//!
//! The messages of a channel are numbered without holes: offset 1, 2, 3, … A frame carries a contiguous run
//! of `count` messages that starts at offset `n`. Everything up to `position` was delivered:
//!
//! ```text
//!        position
//!            v
//!  1 2 3 4 5 6 | 7 8 9          position = 6
//!          5 6   7 8            n = 5, count = 4: skip 2, deliver 7 8   (the overlap is a prefix)
//!      3 4 5                    n = 3, count = 3: all seen before
//!                  8 9          n = 8, count = 2: 7 is missing — a hole
//! ```
//!
//! The invariant: offsets are delivered in order, each once, because only `position + 1` may come next. There
//! is no set of seen ids, no hash and no inspection of payloads. `docs/SEAM.md` has the argument.
//!
//! ```
//! use seamline::core::seam::{Seam, classify};
//!
//! let mut position = 0;
//! let mut delivered = String::new();
//! for (n, messages) in [(1, "abc"), (2, "bcde"), (1, "ab"), (6, "f")] {
//!     match classify(position, n, messages.len() as u64) {
//!         Seam::Fresh { skip } => {
//!             delivered.push_str(&messages[skip as usize..]);
//!             position = n + messages.len() as u64 - 1;
//!         }
//!         Seam::Seen => {}
//!         Seam::Hole { from, to } => panic!("the messages {from} to {to} are missing"),
//!     }
//! }
//! assert_eq!(delivered, "abcdef");
//! ```

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seam {
    /// Drop the first `skip` messages, which were delivered before; deliver the others.
    Fresh {
        /// Less than the frame's count.
        skip: u64,
    },
    /// Every message was delivered before (or there is none).
    Seen,
    /// The frame begins later than the next message: the offsets `from..=to` are missing.
    Hole {
        /// The first missing offset.
        from: u64,
        /// The last missing offset.
        to: u64,
    },
}

/// Classifies the frame of `count` messages from offset `n` on, when everything up to `position` was
/// delivered.
pub fn classify(position: u64, n: u64, count: u64) -> Seam {
    let next = position.saturating_add(1);
    if count == 0 {
        return Seam::Seen;
    }
    if n > next {
        return Seam::Hole { from: next, to: n - 1 };
    }
    let skip = next - n;
    if skip < count { Seam::Fresh { skip } } else { Seam::Seen }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_frames_of_the_diagram_are_classified() {
        assert_eq!(classify(6, 5, 4), Seam::Fresh { skip: 2 });
        assert_eq!(classify(6, 3, 3), Seam::Seen);
        assert_eq!(classify(6, 8, 2), Seam::Hole { from: 7, to: 7 });
    }

    #[test]
    fn positions_at_the_edges_are_classified() {
        assert_eq!(classify(6, 7, 1), Seam::Fresh { skip: 0 }, "exactly next");
        assert_eq!(classify(6, 6, 1), Seam::Seen, "exactly the last one");
        assert_eq!(classify(6, 6, 2), Seam::Fresh { skip: 1 }, "the last one and the next");
        assert_eq!(classify(0, 1, 1), Seam::Fresh { skip: 0 }, "the very first");
        assert_eq!(classify(6, 900, 0), Seam::Seen, "an empty frame says nothing");
        assert_eq!(
            classify(u64::MAX, u64::MAX, 1),
            Seam::Fresh { skip: 0 },
            "no overflow at the end of numbers"
        );
    }

    proptest! {
        /// Against the definition: compare the frame's offsets with the position one by one.
        #[test]
        fn classification_agrees_with_each_offset(position in 0u64..40, n in 1u64..60, count in 0u64..30) {
            let offsets: Vec<u64> = (n..n + count).collect();
            let seen = offsets.iter().filter(|&&o| o <= position).count() as u64;
            match classify(position, n, count) {
                Seam::Seen => prop_assert_eq!(seen, count),
                Seam::Fresh { skip } => {
                    prop_assert_eq!(skip, seen);
                    prop_assert_eq!(offsets[skip as usize], position + 1);
                }
                Seam::Hole { from, to } => {
                    prop_assert_eq!(seen, 0);
                    prop_assert_eq!(from, position + 1);
                    prop_assert_eq!(to + 1, offsets[0]);
                    prop_assert!(from <= to);
                }
            }
        }

        /// Whatever runs of a log arrive, in whatever order and however often: what is delivered is
        /// the log from the start, each offset once.
        #[test]
        fn each_offset_is_delivered_once_in_order(
            runs in proptest::collection::vec((1u64..50, 1u64..12), 0..200),
        ) {
            let mut position = 0;
            let mut delivered = Vec::new();
            for (n, count) in runs {
                if let Seam::Fresh { skip } = classify(position, n, count) {
                    delivered.extend(n + skip..n + count);
                    position = n + count - 1;
                }
            }
            prop_assert_eq!(&delivered, &(1..=position).collect::<Vec<_>>());
        }
    }
}
