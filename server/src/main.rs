//! `seamline-server`: see `--help`.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use seamline_server::cli::Command;
use seamline_server::config::sources::Loaded;
use seamline_server::config::{Config, LogFormat};
use seamline_server::log;
use seamline_server::run::{prepare, run};
use tracing_subscriber::EnvFilter;

/// Reads of the log run on these, and lookups of names, of which there are never many at once. When all
/// clients come back at once, more threads would only get into each other's way, and each has a stack.
const BLOCKING_THREADS_MAX: usize = 32;

/// When all is done, a lookup may still hang that nobody waits for any more.
const THREADS_END_TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _ = writeln!(io::stderr(), "error: {problem}"); // it cannot be said: it still ends as a failure
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(), String> {
    let loaded = Loaded::new()?;
    init_tracing(loaded.cli.config.log_format);
    if loaded.cli.config.print_config {
        write!(io::stdout(), "{}", loaded.as_toml()).map_err(|e| format!("cannot write the output: {e}"))?;
        return prepare(&loaded.cli.config).map(drop);
    }
    match loaded.cli.command {
        None => serve(loaded.cli.config),
        Some(Command::Log(args)) => log::admin::run(&args),
    }
}

fn init_tracing(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("seamline_server=info"));
    // Standard output carries one line, the address; everything else goes to standard error.
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A line that cannot be written, because the disk is full, is lost. To complain of that on standard error would panic.
    let lines = lines.log_internal_errors(false);
    match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().init(),
    }
}

fn serve(config: Config) -> Result<(), String> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.max_blocking_threads(BLOCKING_THREADS_MAX).enable_all().build();
    let runtime = runtime.map_err(|e| format!("cannot start the runtime: {e}"))?;
    let ended = runtime.block_on(run(config)).map_err(|e| e.to_string());
    runtime.shutdown_timeout(THREADS_END_TIMEOUT);
    ended
}
