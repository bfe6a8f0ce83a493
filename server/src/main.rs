//! `seamline-server`: see `--help`.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use seamline_server::cli::Command;
use seamline_server::config::sources::Loaded;
use seamline_server::config::{Config, LogFormat};
use seamline_server::error::SetupError;
use seamline_server::log;
use seamline_server::run::{prepare, run};
use tracing_subscriber::EnvFilter;

/// See Cargo.toml.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Reads of the store and name lookups run on these threads. When all clients reconnect at once, more threads would
/// only contend with each other, and each has a stack.
const BLOCKING_THREADS_MAX: usize = 32;

/// A name lookup that nobody waits for any more may still hang at the end.
const THREADS_END_TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let _ = writeln!(io::stderr(), "error: {e}"); // if that fails, the exit code still reports the failure
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(), Box<dyn Error>> {
    let loaded = Loaded::new()?;
    init_tracing(loaded.cli.config.log_format);
    if loaded.cli.config.print_config {
        write!(io::stdout(), "{}", loaded.as_toml())
            .map_err(|e| SetupError::new("cannot write to standard output", e))?;
        prepare(&loaded.cli.config)?;
        return Ok(());
    }
    match loaded.cli.command {
        None => serve(loaded.cli.config)?,
        Some(Command::Log(args)) => log::admin::run(&args)?,
    }
    Ok(())
}

fn init_tracing(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("seamline_server=info"));
    // Standard output carries one line, the address. Everything else goes to standard error.
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A line that cannot be written, because the disk is full, is lost. Reporting that on standard error would panic.
    let lines = lines.log_internal_errors(false);
    match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().init(),
    }
}

fn serve(config: Config) -> Result<(), SetupError> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.max_blocking_threads(BLOCKING_THREADS_MAX).enable_all().build();
    let runtime = runtime.map_err(|e| SetupError::new("cannot start the runtime's threads", e))?;
    let ended = runtime.block_on(run(config));
    runtime.shutdown_timeout(THREADS_END_TIMEOUT);
    ended
}
