//! Whether the client is alive.

/// A client is disconnected with the first beat after this many in which it was silent: no frame came, and no byte
/// moved.
const SILENT_BEATS_MAX: u32 = 3;

/// See the module.
#[derive(Default)]
pub(super) struct Heartbeat {
    /// The progress at the last beat.
    progress_seen: u64,
    /// Counted, not timed: a server that was stalled has not listened meanwhile.
    silent_beats: u32,
}

impl Heartbeat {
    /// A frame has come.
    pub fn heard(&mut self) {
        self.silent_beats = 0;
    }

    /// A beat is due, with this much progress so far. Returns whether the client is still alive.
    pub fn beat(&mut self, progress: u64) -> bool {
        if std::mem::replace(&mut self.progress_seen, progress) != progress {
            self.silent_beats = 0;
        }
        if self.silent_beats == SILENT_BEATS_MAX {
            return false;
        }
        self.silent_beats += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_client_is_dead_after_three_beats() {
        let mut heartbeat = Heartbeat::default();
        let alive = |heartbeat: &mut Heartbeat| (0..4).map(|_| heartbeat.beat(0)).collect::<Vec<_>>();
        assert_eq!(alive(&mut heartbeat), [true, true, true, false]);
        heartbeat.heard();
        assert_eq!(alive(&mut heartbeat), [true, true, true, false]);
    }
}
