//! Where the last handle of a channel was, for the next one. The server may not have this position yet, and may never
//! get it: an acknowledgement can be lost when a connection ends.

use std::collections::VecDeque;

use crate::wire::Position;

/// How many channels without a handle are remembered. For others, the server decides.
const CHANNELS_MAX: usize = 1_000;

/// What the last handle of a channel had processed, by the channel's name, oldest first.
#[derive(Default)]
pub(super) struct Left(VecDeque<(String, Position)>);

impl Left {
    pub fn of(&self, name: &str) -> Option<Position> {
        self.0.iter().find(|(channel, _)| channel == name).map(|(_, position)| position.clone())
    }

    pub fn keep(&mut self, name: String, position: Position) {
        self.0.retain(|(channel, _)| *channel != name);
        self.0.push_back((name, position));
        if self.0.len() > CHANNELS_MAX {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: u64) -> Position {
        Position { epoch: "e".into(), offset, id: None }
    }

    #[test]
    fn the_newest_channels_are_kept() {
        let mut left = Left::default();
        for offset in 0..=CHANNELS_MAX as u64 {
            left.keep(offset.to_string(), at(offset));
        }
        left.keep("1".to_owned(), at(7));
        left.keep("new".to_owned(), at(8));
        assert_eq!([left.of("0"), left.of("2")], [None, None]);
        assert_eq!([left.of("1"), left.of("3"), left.of("new")], [Some(at(7)), Some(at(3)), Some(at(8))]);
    }
}
