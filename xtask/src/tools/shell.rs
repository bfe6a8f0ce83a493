//! Running commands: a line of progress with its time, and errors that say what to do.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tools::paths;

/// How many lines of a failed command's output are shown; the rest is in its log file.
const SHOWN_LINES_MAX: usize = 60;

/// A command that runs in the workspace's root, in an environment as if cargo had not started us.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(paths::root());
    for (name, _) in env::vars_os() {
        let set_by_cargo = name.to_str().is_some_and(|name| {
            name == "CARGO" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if set_by_cargo {
            command.env_remove(name);
        }
    }
    if let Some(libraries) = env::var_os("LD_LIBRARY_PATH") {
        // `cargo run` puts its own toolchain's libraries first; another toolchain must not find them.
        let theirs = env::split_paths(&libraries).filter(|dir| {
            let text = dir.to_string_lossy();
            !(text.contains("/toolchains/") || text.contains("rustlib") || dir.starts_with(paths::target()))
        });
        if let Ok(theirs) = env::join_paths(theirs) {
            command.env("LD_LIBRARY_PATH", theirs);
        }
    }
    command
}

/// Cargo, building into the workspace's target directory.
pub fn cargo() -> Command {
    let mut cargo = command("cargo");
    cargo.env("CARGO_TARGET_DIR", paths::target());
    cargo
}

/// `println!` that does not mind a reader who has left (`cargo xtask doctor | head`).
macro_rules! say {
    ($($args:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout(), $($args)*).ok();
    }};
}
pub(crate) use say;

/// Says that `what` needs nothing.
pub fn already(what: &str, why: &str) {
    say!("✓ {what}: {why}");
}

/// Runs `work` under a line that names it and ends in its time.
pub fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    write!(std::io::stdout(), "▸ {what} … ").ok();
    std::io::stdout().flush().ok();
    let started = Instant::now();
    let done = work();
    match &done {
        Ok(_) => say!("({})", seconds(started.elapsed())),
        Err(_) => say!("failed ({})", seconds(started.elapsed())),
    }
    done
}

/// Runs a command as a step of its own. Its output goes to a log file, and is shown if it fails;
/// `hint` is what to do then.
pub fn run(what: &str, command: &mut Command, hint: &str) -> Result<()> {
    step(what, || run_logged(what, command, None, hint))
}

/// As [`run`], but the command is ended when it takes longer than `limit`.
pub fn run_within(what: &str, command: &mut Command, limit: Duration, hint: &str) -> Result<()> {
    step(what, || run_logged(what, command, Some(limit), hint))
}

fn run_logged(what: &str, command: &mut Command, limit: Option<Duration>, hint: &str) -> Result<()> {
    let logs = paths::target().join("xtask-logs");
    fs::create_dir_all(&logs).with_context(|| format!("could not create {}", logs.display()))?;
    let log = logs.join(format!("{}.log", slug(what)));
    let file = fs::File::create(&log).with_context(|| format!("could not write {}", log.display()))?;
    let shown = show(command);
    if limit.is_some() {
        own_group(command);
    }
    let spawned = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn();
    let mut child = spawned.with_context(|| format!("could not start `{shown}`\n  {hint}"))?;
    let Some(status) = wait_within(&mut child, limit)? else {
        bail!("`{shown}` was ended after {}\n  {hint}", seconds(limit.unwrap_or_default()));
    };
    if status.success() {
        return Ok(());
    }
    let output = fs::read_to_string(&log).unwrap_or_default();
    bail!(
        "`{shown}` failed ({status})\n{}\n  {hint}\n  The whole output: {}",
        tail(&output),
        paths::shown(&log)
    )
}

/// Runs a command without a word; whether it succeeded within the limit, and what it printed.
pub fn run_quietly(command: &mut Command, limit: Duration) -> Result<(bool, String)> {
    let log = paths::target().join("xtask-logs/quiet.log");
    fs::create_dir_all(log.parent().expect("it lies in a directory"))?;
    let file = fs::File::create(&log).with_context(|| format!("could not write {}", log.display()))?;
    own_group(command);
    let spawned = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn();
    let mut child = spawned.with_context(|| format!("could not start `{}`", show(command)))?;
    let passed = wait_within(&mut child, Some(limit))?.is_some_and(|status| status.success());
    Ok((passed, fs::read_to_string(&log).unwrap_or_default()))
}

/// The status of a child; none, if it had to be ended.
fn wait_within(child: &mut Child, limit: Option<Duration>) -> Result<Option<ExitStatus>> {
    let Some(limit) = limit else { return Ok(Some(child.wait()?)) };
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            end(child);
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Gives a command a process group, so that its children can be ended with it.
fn own_group(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

/// Ends a child that has a process group of its own.
fn end(child: &mut Child) {
    if cfg!(unix) {
        output(Command::new("kill").args(["-9", "--", &format!("-{}", child.id())]));
    }
    child.kill().ok();
    child.wait().ok();
}

/// Runs a command whose output is for the reader, and returns it too.
pub fn run_shown(command: &mut Command) -> Result<(ExitStatus, String)> {
    let shown = show(command);
    say!("▸ {shown}");
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.with_context(|| format!("could not start `{shown}`"))?;
    let mut text = String::new();
    let mut reader = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        std::io::stdout().write_all(&line).ok();
        text.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok((child.wait()?, text))
}

/// The standard output of a command that succeeds, trimmed.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// The first line `program --version` prints.
pub fn version(program: impl AsRef<OsStr>) -> Option<String> {
    output(command(program).arg("--version"))?.lines().next().map(str::to_string)
}

/// Writes `content` unless the file holds it already, so that its time tells when it changed.
pub fn write_if_changed(file: &Path, content: &[u8]) -> Result<()> {
    if fs::read(file).is_ok_and(|old| old == content) {
        return Ok(());
    }
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir).with_context(|| format!("could not create {}", dir.display()))?;
    }
    fs::write(file, content).with_context(|| format!("could not write {}", file.display()))
}

/// The command as one would type it.
pub fn show(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut text = program.to_string_lossy().into_owned();
    for arg in command.get_args() {
        let arg = arg.to_string_lossy();
        let quoted = arg.is_empty() || arg.contains(|c: char| c.is_whitespace() || "\"'$*".contains(c));
        text.push(' ');
        text.push_str(&if quoted { format!("'{arg}'") } else { arg.into_owned() });
    }
    text
}

/// A duration for people.
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn slug(what: &str) -> String {
    let words = what.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.take(6).collect::<Vec<_>>().join("-").to_lowercase()
}

fn tail(output: &str) -> String {
    let lines: Vec<_> = output.lines().collect();
    let from = lines.len().saturating_sub(SHOWN_LINES_MAX);
    let shown = lines[from..].iter().map(|line| format!("  | {line}")).collect::<Vec<_>>().join("\n");
    if from > 0 { format!("  | … {from} lines before\n{shown}") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_says_its_name_its_output_and_what_to_do() {
        let mut failing = command("sh");
        failing.args(["-c", "echo too bad; exit 3"]);
        let error = run_logged("a test of failing", &mut failing, None, "Do this.").unwrap_err().to_string();
        for part in ["`sh -c 'echo too bad; exit 3'`", "3", "  | too bad", "Do this."] {
            assert!(error.contains(part), "{part:?} is missing in {error}");
        }
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended() {
        let mut slow = command("sleep");
        slow.arg("60");
        let error = run_logged("a test of limits", &mut slow, Some(Duration::from_millis(100)), "Hurry.");
        assert!(error.unwrap_err().to_string().contains("was ended after 0.1 s"));
    }

    #[test]
    fn the_tail_of_a_long_output_says_how_much_is_left_out() {
        let output = "line\n".repeat(SHOWN_LINES_MAX + 5);
        assert!(tail(&output).starts_with("  | … 5 lines before\n  | line"));
        assert_eq!(tail("one"), "  | one");
    }
}
