//! `cargo xtask openapi`: has Schemathesis test a real server against the OpenAPI document that it serves. Schemathesis
//! sends requests that the document allows, and requests that it does not allow, and checks each answer. It tries no
//! sequences of requests, because the document has no links between operations.
//!
//! It is not one of the tests: it needs Python and the network at first, and its requests differ with its version. A
//! test of the server provokes every documented response (`server/tests/it/openapi`).

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Result;
use seamline_test_support::server::DemoServer;

use crate::tools::progress::say;
use crate::tools::{paths, run, schemathesis, server, shell};

/// How long one part may take.
const LIMIT: Duration = Duration::from_secs(600);
/// For a server that only this machine reaches, for as long as the command runs.
const ADMIN_TOKEN: &str = "the-admin-token-of-cargo-xtask-openapi";

/// Options of `openapi`.
#[derive(clap::Args)]
pub struct Args {
    /// The most requests of one kind for each operation
    #[arg(long, value_name = "N", default_value_t = 20)]
    examples: u32,

    /// Determines the requests
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

/// The operations of one port, by their tags.
struct Part {
    what: &'static str,
    url: String,
    tags: &'static [&'static str],
}

/// `cargo xtask openapi`.
pub fn command(args: Args) -> Result<ExitCode> {
    let program = schemathesis::program()?;
    let directory = paths::target().join("test-data/openapi");
    // Without a limit, because requests are sent as fast as they are answered.
    let options = ["--admin-listen", "127.0.0.1:0", "--admin-token", ADMIN_TOKEN];
    let options = [&options[..], &["--max-publishes-per-second", "0"]].concat();
    let server = DemoServer::start_with(&server::build()?, &directory, &options)?;
    let admin = server.admin_url()?;
    let document = format!("{admin}/openapi.json");
    let parts = [
        Part { what: "the HTTP API", url: server.url.clone(), tags: &["channels"] },
        Part { what: "the admin API", url: admin, tags: &["admin", "operations"] },
    ];
    let mut failed = false;
    for part in &parts {
        say!("\n── {} ──", part.what);
        let (status, _) = run::shown_within(&mut tests(&program, &document, part, &args), LIMIT)?;
        if status.is_none() {
            say!("it did not end within {} s", LIMIT.as_secs());
        }
        failed |= !status.is_some_and(|status| status.success());
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn tests(program: &Path, document: &str, part: &Part, args: &Args) -> Command {
    let mut command = shell::command(program);
    // It leaves files where it runs.
    command.current_dir(paths::target().join("test-data"));
    command.arg("--config-file").arg(paths::root().join("server/tests/schemathesis.toml"));
    command.args(["run", document, "--url", &part.url, "--no-color"]);
    command.args(["--header", &format!("Authorization: Bearer {ADMIN_TOKEN}")]);
    command.args(part.tags.iter().flat_map(|tag| ["--include-tag", tag]));
    command.args(["--max-examples", &args.examples.to_string(), "--seed", &args.seed.to_string()]);
    command
}
