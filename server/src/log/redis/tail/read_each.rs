//! Reading streams in a cluster. A node runs no command that names keys of several slots, so each stream has a command
//! of its own, in one pipeline. A channel whose slot is moving waits, and holds up no other.

use redis::RedisResult;
use redis::aio::MultiplexedConnection;

use super::Tail;
use super::followed::ToRead;
use super::read::{Read, Streams, xread};
use crate::log::redis::connection::is_redirection;

impl Tail {
    pub(super) async fn read_each(
        &self,
        connection: &mut MultiplexedConnection,
        batch: &[ToRead],
        count: usize,
    ) -> RedisResult<Read> {
        let mut pipe = redis::pipe();
        for read in batch {
            pipe.add_command(xread(std::slice::from_ref(read), count));
        }
        let answers: Vec<RedisResult<Option<Streams>>> = pipe.ignore_errors().query_async(connection).await?;
        let mut found = Read::default();
        for (read, answer) in batch.iter().zip(answers) {
            match answer {
                Ok(streams) => found.streams.extend(streams.unwrap_or_default()),
                Err(e) if is_redirection(&e) => {
                    self.shared.note_outdated();
                    self.lock().put_off(&read.key);
                }
                Err(e) => found.rejected.get_or_insert_with(|| (e, Vec::new())).1.push(read.clone()),
            }
        }
        Ok(found)
    }
}
