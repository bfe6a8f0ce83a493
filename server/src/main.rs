//! `seamline-server`: see `--help`.

use std::error::Error;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::time::Duration;

use seamline_server::cli::Command;
use seamline_server::config::sources::{LoadError, Loaded};
use seamline_server::config::{Config, LogFormat};
use seamline_server::error::SetupError;
use seamline_server::run::{prepare, run};
use seamline_server::{log, logging};

/// See Cargo.toml.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Reads of the store, name lookups and commands of `seamline-server log` run on these threads, of which there are this
/// many for each core. When all clients reconnect at once, more would only contend with each other …
const BLOCKING_THREADS_PER_CORE: usize = 4;
/// … and this many at least, because lookups and commands take some of them for long, and this many at most.
const BLOCKING_THREADS: RangeInclusive<usize> = 12..=32;

/// For how long such a thread waits for more work. A burst is over after that, and each thread has a stack and a cache of
/// the allocator.
const BLOCKING_THREAD_IDLE_MAX: Duration = Duration::from_secs(1);

/// A name lookup that nobody waits for any more may still hang at the end.
const THREADS_END_TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let loaded = match Loaded::new() {
        Ok(loaded) => loaded,
        Err((format, e)) => return not_loaded(format, &e),
    };
    let format = loaded.log_format();
    logging::init(format);
    loaded.warn_of_unknown_variables();
    match start(&loaded) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            logging::fatal(format, &loaded.with_sources(e.to_string()));
            ExitCode::FAILURE
        }
    }
}

/// The settings cannot be used; or it was the help or the version that was asked for.
fn not_loaded(format: LogFormat, e: &LoadError) -> ExitCode {
    match e {
        LoadError::CommandLine(e) if format == LogFormat::Text || !e.use_stderr() => drop(e.print()), // as below
        e => logging::fatal(format, &e.to_string()),
    }
    e.exit_code()
}

fn start(loaded: &Loaded) -> Result<(), Box<dyn Error>> {
    let config = &loaded.cli.config;
    if config.print_config {
        write!(io::stdout(), "{}", loaded.as_toml())
            .map_err(|e| SetupError::new("cannot write to standard output", e))?;
        prepare(config)?;
        return Ok(());
    }
    match &loaded.cli.command {
        None => serve(config.clone())?,
        Some(Command::Log(args)) => log::admin::run(args)?,
    }
    Ok(())
}

fn serve(config: Config) -> Result<(), SetupError> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime =
        runtime.max_blocking_threads(blocking_threads_max()).thread_keep_alive(BLOCKING_THREAD_IDLE_MAX);
    let runtime = runtime.enable_all().build();
    let runtime = runtime.map_err(|e| SetupError::new("cannot start the runtime's threads", e))?;
    let ended = runtime.block_on(run(config));
    runtime.shutdown_timeout(THREADS_END_TIMEOUT);
    ended
}

fn blocking_threads_max() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores * BLOCKING_THREADS_PER_CORE).clamp(*BLOCKING_THREADS.start(), *BLOCKING_THREADS.end())
}
