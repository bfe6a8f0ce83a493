//! How far a channel was delivered.

use super::repair::Repair;
use crate::wire::{MessageId, Position};

/// Everything up to the position was delivered. Advancing discards all state about the old position.
#[derive(Debug)]
pub(super) struct Cursor {
    position: Position,
    /// The messages after the position were requested again.
    pub repair: Option<Repair>,
}

impl Cursor {
    pub fn new(position: Position) -> Self {
        Cursor { position, repair: None }
    }

    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Messages up to `offset` were delivered. Returns whether they had been requested again.
    pub fn advance(&mut self, offset: u64, id: MessageId) -> bool {
        self.position.offset = offset;
        self.position.id = Some(id);
        self.repair.take().is_some()
    }

    /// Delivery continues after `offset`, whatever lies between.
    pub fn jump(&mut self, offset: u64) {
        self.position.offset = offset;
        self.position.id = None;
        self.repair = None;
    }
}
