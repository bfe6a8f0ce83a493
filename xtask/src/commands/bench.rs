//! `cargo xtask bench`: measures the client and the server beside others.

mod browser;
mod peers;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::tools::paths;

/// Options of `bench`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

/// What to measure.
#[derive(clap::Subcommand)]
enum What {
    /// A replay into a page: messages per second and CPU of the main thread, at several round trip times
    Client(browser::Args),
    /// A reconnect: from the open socket to the first and the last missed message
    Recovery(browser::Args),
    /// A page that was never loaded: from its navigation to the first message
    Cold(browser::Args),
    /// From a publication to the handler, at 100 and at 1,000 messages per second
    Latency(browser::Args),
    /// Publications from one page: how many per second are answered, and how long a queue holds up the page
    Publish(browser::Args),
    /// seamline-server and socket.io under the same load: idle connections, fan-out, a reconnect storm
    Server(server::Args),
}

/// `cargo xtask bench`.
pub fn command(args: Args) -> Result<ExitCode> {
    match args.what {
        What::Client(args) => browser::command("client", &args),
        What::Recovery(args) => browser::command("recovery", &args),
        What::Cold(args) => browser::command("cold", &args),
        What::Latency(args) => browser::command("latency", &args),
        What::Publish(args) => browser::command("publish", &args),
        What::Server(args) => server::command(&args),
    }
}

/// Where the parts are installed, and write their results.
fn dir() -> PathBuf {
    paths::target().join("bench")
}
