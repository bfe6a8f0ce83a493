//! The command line: the server, and commands that look into its store.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Config;

const SOURCES: &str = "\
Each option is an environment variable too, SEAMLINE_ and its name in capitals, such as SEAMLINE_MAX_CHANNELS; and a
key of the file that --config (or SEAMLINE_CONFIG) names, such as max-channels = 500. The command line counts first, then the
environment, then the file.";

/// Seamline's server: a log of numbered messages per channel, and WebSockets that never lose their
/// place in it.
#[derive(Debug, Parser)]
#[command(name = "seamline-server", version, about, long_about = None, after_help = SOURCES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// The server's settings.
    #[command(flatten)]
    pub config: Config,
    /// Something else than to serve.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What else it can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look into the embedded log while no server is using it
    Log(LogArgs),
}

/// `seamline-server log`.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Directory of the embedded log
    #[arg(long, value_name = "DIR", default_value = "./seamline-data", env = "SEAMLINE_DATA", global = true)]
    pub data: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub what: LogCommand,
}

/// What can be done with a log.
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// List the channels: name, epoch, first and newest offset, newest id
    List,
    /// Show a channel's epoch, first and newest offset, as JSON
    Head {
        /// The channel
        ch: String,
    },
    /// Show a channel's newest messages, one JSON object a line
    Tail {
        /// The channel
        ch: String,
        /// How many
        #[arg(short, value_name = "N", default_value_t = 10)]
        n: u64,
    },
    /// Read everything, and say where something is wrong
    Verify,
    /// Write channels to standard output, as lines of JSON: messages, keys and clients' positions
    Export {
        /// The channels [default: all]
        ch: Vec<String>,
    },
    /// Read what export has written from standard input: all of it, or nothing
    Import {
        /// Give each channel a new epoch: for what is older than what clients have seen, such as a backup
        #[arg(long)]
        new_epoch: bool,
    },
}
