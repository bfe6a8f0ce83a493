//! What goes into one frame: as many messages as are waiting, up to a limit.

use std::sync::Arc;

use crate::hub::Live;
use crate::log::Message;

/// Messages in one frame.
pub(super) const FRAME_MESSAGES_MAX: usize = 500;
/// Payload bytes in one frame; a larger message has a frame to itself.
pub(super) const FRAME_BYTES_MAX: usize = 96 * 1024;

/// Takes what is waiting after `first`, as long as it fits a frame and leaves no hole. The one that
/// does not is carried over.
pub(super) fn contiguous(
    first: Arc<Message>,
    live: &mut Live,
    carried: &mut Option<Arc<Message>>,
) -> Vec<Arc<Message>> {
    let mut bytes = first.data.len();
    let mut next_offset = first.offset + 1;
    let mut run = vec![first];
    while run.len() < FRAME_MESSAGES_MAX {
        // A lag ends the run as well: it leaves a hole, which the message after it shows.
        let Ok(message) = live.messages.try_recv() else { break };
        bytes += message.data.len();
        if message.offset != next_offset || bytes > FRAME_BYTES_MAX {
            *carried = Some(message);
            break;
        }
        next_offset += 1;
        run.push(message);
    }
    run
}
