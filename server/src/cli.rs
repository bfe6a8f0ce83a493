//! The command line: the server, and commands for its embedded store.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde::{Deserialize, Serialize};

use crate::config::{Config, LogFormat};

const SOURCES: &str = "\
Settings are resolved in this order:
  1. the command line, such as --max-channels 500
  2. the environment: SEAMLINE_ and the option in capitals, such as SEAMLINE_MAX_CHANNELS=500
  3. the file given with --config or SEAMLINE_CONFIG, such as max-channels = 500
  4. the default";

/// Seamline's server: numbered messages per channel, and WebSockets that resume where they left off.
#[derive(Debug, Parser)]
#[command(name = "seamline-server", version, about, long_about = None, after_help = SOURCES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// The server's settings.
    #[command(flatten)]
    pub config: Config,
    /// A command other than to serve.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Inspect, export, import and trim the embedded store
    Log(LogArgs),
}

/// `seamline-server log`.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Directory of the embedded store
    #[arg(long, value_name = "DIR", default_value = "./seamline-data", env = "SEAMLINE_DATA", global = true)]
    pub data: PathBuf,
    /// Format of errors and logs on standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT", env = "SEAMLINE_LOG_FORMAT", global = true)]
    pub log_format: LogFormat,
    /// Do not verify the store when it is opened. `verify` and `export` then go on after what cannot be read, and
    /// report its channel and offset
    #[arg(long, global = true)]
    pub trust_store: bool,
    /// The command.
    #[command(subcommand)]
    pub command: LogCommand,
}

/// The commands for a store.
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// A command for a store that a server may be using.
    #[command(flatten)]
    Store(StoreCommand),
    /// Read an export from standard input and import all of it, or nothing. No server may be using the store, which is
    /// created if it is missing
    Import {
        /// Give each channel a new epoch. Use it for a backup that is older than what clients have seen
        #[arg(long)]
        new_epoch: bool,
    },
}

/// The commands that a server runs if it is using the store.
#[derive(Clone, Debug, Subcommand, Serialize, Deserialize)]
pub enum StoreCommand {
    /// A command that changes nothing.
    #[command(flatten)]
    Read(ReadCommand),
    /// A command that changes something.
    #[command(flatten)]
    Change(ChangeCommand),
}

/// The commands that change nothing.
#[derive(Clone, Debug, Subcommand, Serialize, Deserialize)]
pub enum ReadCommand {
    /// List the channels with their epoch, first and newest offset, and newest id
    List,
    /// Show a channel's epoch, first and newest offset, and newest id, as JSON
    Head {
        /// The channel
        ch: String,
    },
    /// Show a channel's newest messages, one JSON object per line
    Tail {
        /// The channel
        ch: String,
        /// Number of messages
        #[arg(short, value_name = "N", default_value_t = 10)]
        n: u64,
    },
    /// Read everything and report what is inconsistent
    Verify,
    /// Write channels to standard output as lines of JSON: messages, keys and acknowledged positions
    Export {
        /// Channels to export [default: all]
        ch: Vec<String>,
    },
}

/// The commands that change something.
#[derive(Clone, Debug, Subcommand, Serialize, Deserialize)]
pub enum ChangeCommand {
    /// Delete a channel with its messages and keys. Its subscribers report a gap (`epoch_changed`)
    Delete {
        /// The channel
        ch: String,
    },
    /// Drop the messages of a channel up to an offset
    Trim {
        /// The channel
        ch: String,
        /// The newest offset to drop
        offset: u64,
    },
}
