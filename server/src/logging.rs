//! The logs on standard error: lines for people, or JSON. With JSON, every line is JSON: also errors at the start,
//! panics, and what the command line rejects.

use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;

use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use crate::config::LogFormat;

/// Starts logging.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("seamline_server=info"));
    // Standard output carries one line, the address. Everything else goes to standard error.
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A line that cannot be written, because the disk is full, is lost. Reporting that on standard error would panic.
    let lines = lines.log_internal_errors(false);
    match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => {
            lines.json().init();
            std::panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
                fatal(format, &panic.to_string())
            }));
        }
    }
}

/// Reports an error that ends the process, whatever RUST_LOG filters.
pub fn fatal(format: LogFormat, message: &str) {
    let line = match format {
        LogFormat::Text => format!("error: {message}"),
        LogFormat::Json => json_line(message).to_string(),
    };
    let _ = writeln!(io::stderr(), "{line}"); // if that fails, the exit code still reports the failure
}

/// In the form of the other lines. It is written without `tracing`, which may be what panicked.
fn json_line(message: &str) -> Value {
    let mut timestamp = String::new();
    let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp)); // writing to a string does not fail
    let target = module_path!();
    json!({"timestamp": timestamp, "level": "ERROR", "fields": {"message": message}, "target": target})
}
