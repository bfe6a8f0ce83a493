//! Why a command failed.

use std::fmt;
use std::io;

use seamline::wire::MessageId;

use super::problems::Problems;
use crate::error::SetupError;
use crate::log::StoreError;

/// A command for the store failed.
#[derive(Debug)]
pub enum AdminError {
    /// The store could not be opened.
    Open(SetupError),
    /// The store could not be read, or written.
    Store(redb::Error),
    /// A channel could not be read beyond this offset.
    StoreAfter {
        /// The channel.
        ch: String,
        /// The last message that was read.
        offset: u64,
        /// What the store says.
        error: redb::StorageError,
    },
    /// There is no such channel.
    NoChannel(String),
    /// A message of a channel is no JSON.
    Payload {
        /// The channel.
        ch: String,
        /// The message.
        offset: u64,
        /// What is wrong with its payload.
        error: serde_json::Error,
    },
    /// `verify` found this many problems, and has written them to the output.
    Inconsistent(usize),
    /// What could be read was exported. This could not.
    Salvaged(Problems),
    /// The store is closed at the moment.
    Closed,
    /// The store did not accept a change.
    Change(StoreError),
    /// The threads that change the store could not be started.
    Threads(io::Error),
    /// The server that has the store open reported this.
    Server(String),
    /// The connection to that server was lost.
    Disconnected(io::Error),
    /// The output could not be written.
    Output(io::Error),
    /// Nothing was imported, because of this line of the input.
    Import(usize, ImportError),
}

/// What is wrong with a line of an import.
#[derive(Debug)]
pub enum ImportError {
    /// It could not be read.
    Input(io::Error),
    /// It is not a line of an export.
    Format(serde_json::Error),
    /// An export does not start like this.
    NotTheStart,
    /// The export has another version.
    Version(u64),
    /// It follows the last line.
    AfterTheEnd,
    /// The input ends before the last line of an export.
    NoEnd,
    /// A key, position or message before the first channel.
    OutsideAChannel,
    /// The channel exists already.
    ChannelExists(String),
    /// A message that does not follow the one before it.
    WrongOffset {
        /// The next offset.
        expected: u64,
        /// The offset in the line.
        found: u64,
    },
    /// A message that is newer than the newest one of its channel.
    BeyondTheHead {
        /// Its offset.
        offset: u64,
        /// Its id.
        id: MessageId,
    },
    /// The channel before this line ends too early.
    ChannelTruncated {
        /// Its name.
        ch: String,
        /// Its newest message.
        head: u64,
    },
    /// The export had another number of messages.
    WrongCount {
        /// By the last line.
        exported: u64,
        /// In the input.
        found: u64,
    },
    /// The store refused it.
    Store(redb::Error),
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AdminError::Open(e) => write!(f, "{e}"),
            AdminError::Store(redb::Error::DatabaseClosed) => AdminError::Closed.fmt(f),
            AdminError::Store(e) => write!(f, "cannot read the store: {e}\nRestore it from a backup."),
            AdminError::StoreAfter { ch, offset, error } => write!(
                f,
                "cannot read channel {ch:?} after offset {offset}: {error}\nRestore the store from a backup."
            ),
            AdminError::NoChannel(ch) => {
                write!(f, "cannot read channel {ch:?}: it does not exist\n`log list` shows the channels.")
            }
            AdminError::Payload { ch, offset, error } => write!(
                f,
                "cannot export offset {offset} of channel {ch:?}: {error}\n`log verify` shows what else is damaged."
            ),
            AdminError::Inconsistent(problems) => write!(
                f,
                "the store is damaged: {problems} problems found\n\
                 Restore it from a backup, or export what can be read with `log --trust-store export`."
            ),
            AdminError::Salvaged(problems) => write!(
                f,
                "the export is incomplete: {} problems found\n{problems}`log import` of this export into an empty \
                 directory makes a store without what is lost.",
                problems.found
            ),
            AdminError::Closed => {
                f.write_str("cannot read the store: it is closed at the moment\nTry again.")
            }
            AdminError::Change(e) => write!(f, "cannot change the store: {e}"),
            AdminError::Threads(e) => write!(f, "cannot start the threads of the store: {e}"),
            AdminError::Server(why) => f.write_str(why),
            AdminError::Disconnected(e) => {
                write!(f, "the connection to the server that uses the store was lost: {e}\nTry again.")
            }
            AdminError::Output(e) => write!(f, "cannot write to standard output: {e}"),
            AdminError::Import(line, e) => {
                write!(f, "cannot import line {line}: {e}\nNothing was imported.")?;
                match e {
                    ImportError::ChannelExists(_) => {
                        f.write_str(" Import into a store without this channel.")
                    }
                    _ => f.write_str(" Export again, and import the whole file."),
                }
            }
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImportError::Input(e) => write!(f, "{e}"),
            ImportError::Format(e) => write!(f, "not a line of an export: {e}"),
            ImportError::NotTheStart => f.write_str("an export does not start like this"),
            ImportError::Version(version) => {
                write!(f, "an export of version {version}, but version {} is supported", super::lines::FORMAT)
            }
            ImportError::AfterTheEnd => f.write_str("it follows the last line of an export"),
            ImportError::NoEnd => f.write_str("the last line of the export is missing"),
            ImportError::OutsideAChannel => f.write_str("it belongs to no channel"),
            ImportError::ChannelExists(ch) => write!(f, "channel {ch:?} already exists"),
            ImportError::WrongOffset { expected, found } => {
                write!(f, "offset {found} where offset {expected} is expected")
            }
            ImportError::BeyondTheHead { offset, id } => {
                write!(f, "offset {offset} with id {id} is newer than the newest message of its channel")
            }
            ImportError::ChannelTruncated { ch, head } => {
                write!(f, "channel {ch:?} ends before offset {head}")
            }
            ImportError::WrongCount { exported, found } => {
                write!(f, "{exported} messages were exported, but {found} are in the input")
            }
            ImportError::Store(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for AdminError {}

impl From<SetupError> for AdminError {
    fn from(e: SetupError) -> Self {
        AdminError::Open(e)
    }
}

macro_rules! from_redb {
    ($($error:ident),*) => { $(
        impl From<redb::$error> for AdminError {
            fn from(e: redb::$error) -> Self {
                AdminError::Store(e.into())
            }
        }

        impl From<redb::$error> for ImportError {
            fn from(e: redb::$error) -> Self {
                ImportError::Store(e.into())
            }
        }
    )* };
}
from_redb!(Error, TransactionError, TableError, StorageError, CommitError);
