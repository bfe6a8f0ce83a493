//! The socket beside the store, through which commands reach the server that has the store open. Only the server's user
//! may connect.
//!
//! redb locks its file, and the newest commits of a running server are in its memory. So another process cannot read
//! the store, but the server can: in a read transaction, which is a snapshot and holds up no publication.
//!
//! A request is a line of JSON. The answer is a sequence of chunks, each with its length before it. An empty one ends
//! the output, and the error follows, if there is one.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::{AdminError, execute};
use crate::cli::StoreCommand;
use crate::log::embedded::EmbeddedStore;

const FILE_NAME: &str = "seamline.sock";
/// How many commands run at once. Others wait.
const COMMANDS_MAX: usize = 4;
/// The largest request: names of channels, mostly.
const REQUEST_BYTES_MAX: u64 = 1024 * 1024;
/// The size of a chunk.
const CHUNK_BYTES: usize = 64 * 1024;
/// A client that sends no request …
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// … or reads nothing for this long is disconnected: its snapshot keeps the pages of old messages from being reused.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(60);
/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is asked of the server.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    command: StoreCommand,
    trust_store: bool,
}

/// The server's side. The socket is removed when this is dropped.
pub struct AdminSocket {
    path: PathBuf,
    accepting: JoinHandle<()>,
}

impl AdminSocket {
    /// Listens beside the store. Without the socket, the server serves all the same.
    pub fn listen(directory: &Path, store: Arc<EmbeddedStore>) -> Option<Self> {
        let path = directory.join(FILE_NAME);
        match bind(&path) {
            Ok(listener) => {
                let accepting = tokio::spawn(accept(listener, store));
                Some(AdminSocket { path, accepting })
            }
            Err(e) => {
                let path = path.display();
                warn!(
                    "cannot listen on {path}: {e}; `seamline-server log` needs a stopped server until then"
                );
                None
            }
        }
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        self.accepting.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A server that was killed leaves its socket behind. This process has the store open, so no other one listens there.
fn bind(path: &Path) -> io::Result<tokio::net::UnixListener> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    tokio::net::UnixListener::from_std(listener)
}

async fn accept(listener: tokio::net::UnixListener, store: Arc<EmbeddedStore>) {
    let permits = Arc::new(Semaphore::new(COMMANDS_MAX));
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        match listener.accept().await.and_then(|(stream, _)| stream.into_std()) {
            Ok(stream) => {
                let (store, runtime) = (store.clone(), Handle::current());
                tokio::task::spawn_blocking(move || {
                    let _permit = permit;
                    if let Err(e) = answer(&stream, &store, &runtime) {
                        debug!("cannot answer a command: {e}"); // the client has gone
                    }
                });
            }
            Err(e) => {
                debug!("cannot accept a command: {e}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn answer(stream: &UnixStream, store: &EmbeddedStore, runtime: &Handle) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(REQUEST_TIMEOUT))?;
    stream.set_write_timeout(Some(OUTPUT_TIMEOUT))?;
    let mut line = String::new();
    BufReader::new(stream.take(REQUEST_BYTES_MAX)).read_line(&mut line)?;
    let Request { command, trust_store } = serde_json::from_str(&line)?;
    let mut out = BufWriter::with_capacity(CHUNK_BYTES, Chunks(stream));
    let done = execute(&command, store, runtime, trust_store, &mut out);
    out.flush()?;
    let mut stream = stream;
    stream.write_all(&0_u32.to_be_bytes())?;
    stream.write_all(done.err().map(|e| e.to_string()).unwrap_or_default().as_bytes())
}

/// Runs a command in the server that has the store of this directory open; `None` if there is none.
pub(super) fn ask(
    directory: &Path,
    command: &StoreCommand,
    trust_store: bool,
    out: &mut impl Write,
) -> Option<Result<(), AdminError>> {
    let mut stream = UnixStream::connect(directory.join(FILE_NAME)).ok()?;
    let request = Request { command: command.clone(), trust_store };
    Some(converse(&mut stream, &request, out))
}

fn converse(stream: &mut UnixStream, request: &Request, out: &mut impl Write) -> Result<(), AdminError> {
    let lost = AdminError::Disconnected;
    let line = serde_json::to_string(request).map_err(|e| lost(e.into()))? + "\n";
    stream.write_all(line.as_bytes()).map_err(lost)?;
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length).map_err(lost)?;
        let length = u32::from_be_bytes(length);
        if length == 0 {
            break;
        }
        let mut chunk = vec![0; length as usize];
        stream.read_exact(&mut chunk).map_err(lost)?;
        out.write_all(&chunk).map_err(AdminError::Output)?;
    }
    let mut error = String::new();
    stream.read_to_string(&mut error).map_err(lost)?;
    if error.is_empty() { Ok(()) } else { Err(AdminError::Server(error)) }
}

/// Writes chunks.
struct Chunks<'stream>(&'stream UnixStream);

impl Write for Chunks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(CHUNK_BYTES)];
        if !bytes.is_empty() {
            self.0.write_all(&(bytes.len() as u32).to_be_bytes())?;
            self.0.write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
