//! Runs commands: with a line of progress, and an error that shows their output and says what to do.

use std::fs;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tools::mark::Mark;
use crate::tools::progress::{self, say};
use crate::tools::{paths, shell};

/// How many lines of a failed command's output are shown. The rest is in its log file.
const SHOWN_LINES_MAX: usize = 60;

/// Runs a command as a step. Its output goes to a log file, and is shown if the command fails, with `hint`: what to do.
pub fn step(what: &str, command: &mut Command, hint: &str) -> Result<()> {
    progress::step(what, || logged(what, command, None, hint))
}

/// As [`step`], but a command that takes longer than `limit` is killed.
pub fn step_within(what: &str, command: &mut Command, limit: Duration, hint: &str) -> Result<()> {
    progress::step(what, || logged(what, command, Some(limit), hint))
}

fn logged(what: &str, command: &mut Command, limit: Option<Duration>, hint: &str) -> Result<()> {
    let logs = paths::target().join("xtask-logs");
    fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
    let log = logs.join(format!("{}.log", slug(what)));
    let file = fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let shown = shell::show(command);
    if limit.is_some() {
        own_group(command);
    }
    let spawned = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn();
    let mut child = spawned.with_context(|| format!("cannot start `{shown}`\n  {hint}"))?;
    let Some(status) = wait_within(&mut child, limit)? else {
        bail!("`{shown}` did not end within {}\n  {hint}", progress::seconds(limit.unwrap_or_default()));
    };
    if status.success() {
        return Ok(());
    }
    let output = fs::read_to_string(&log).unwrap_or_default();
    bail!(
        "`{shown}` failed ({status})\n{}\n  {hint}\n  The whole output is in {}",
        tail(&output),
        paths::shown(&log)
    )
}

/// Runs a command without printing anything. Returns whether it succeeded within the limit, and its output.
pub fn quietly(command: &mut Command, limit: Duration) -> Result<(bool, String)> {
    let log = paths::target().join("xtask-logs/quiet.log");
    fs::create_dir_all(log.parent().expect("it lies in a directory"))?;
    let file = fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    own_group(command);
    let spawned = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn();
    let mut child = spawned.with_context(|| format!("cannot start `{}`", shell::show(command)))?;
    let passed = wait_within(&mut child, Some(limit))?.is_some_and(|status| status.success());
    Ok((passed, fs::read_to_string(&log).unwrap_or_default()))
}

/// The status of a child; `None` if it took too long and was killed.
fn wait_within(child: &mut Child, limit: Option<Duration>) -> Result<Option<ExitStatus>> {
    let Some(limit) = limit else { return Ok(Some(child.wait()?)) };
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            kill(child);
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Gives a command its own process group, so that its children can be killed with it.
fn own_group(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

/// Kills a child that has its own process group.
fn kill(child: &mut Child) {
    if cfg!(unix) {
        shell::output(Command::new("kill").args(["-9", "--", &format!("-{}", child.id())]));
    }
    child.kill().ok();
    child.wait().ok();
}

/// Runs a command whose output is shown; its success is the exit code.
pub fn to_exit_code(command: &mut Command) -> Result<ExitCode> {
    let (status, _) = shown(command)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a command whose output is shown, and returned as well.
pub fn shown(command: &mut Command) -> Result<(ExitStatus, String)> {
    let (mut child, output) = start_shown(command)?;
    let text = output.iter().map(show_line).collect();
    Ok((child.wait()?, text))
}

/// As [`shown`], but nothing that the command has started outlives it. After `limit` it is killed, and there is no
/// status.
pub fn shown_within(command: &mut Command, limit: Duration) -> Result<(Option<ExitStatus>, String)> {
    let (status, text, killed) = within(command, limit, start_shown, show_line)?;
    if killed > 0 {
        say!("killed what `{}` had left running (processes: {killed})", shell::show(command));
    }
    Ok((status, text))
}

/// As [`shown_within`], but it only returns what was printed, so that several commands can run at a time.
pub fn captured_within(command: &mut Command, limit: Duration) -> Result<(Option<ExitStatus>, String)> {
    let text_of = |line: Vec<u8>| String::from_utf8_lossy(&line).into_owned();
    let (status, mut text, killed) = within(command, limit, start_piped, text_of)?;
    if killed > 0 {
        text += &format!("killed what it had left running (processes: {killed})\n");
    }
    Ok((status, text))
}

type Started = (Child, Receiver<Vec<u8>>);

/// Starts a command and takes its lines. Returns how many processes it had left running, which are killed, as well.
fn within(
    command: &mut Command,
    limit: Duration,
    start: impl Fn(&mut Command) -> Result<Started>,
    take: impl Fn(Vec<u8>) -> String,
) -> Result<(Option<ExitStatus>, String, usize)> {
    let deadline = Instant::now() + limit;
    let mark = Mark::put_on(command);
    let (mut child, output) = start(command)?;
    let mut text = String::new();
    let left = || deadline.saturating_duration_since(Instant::now());
    while let Ok(line) = output.recv_timeout(left()) {
        text.push_str(&take(line));
    }
    let status = wait_within(&mut child, Some(left()))?;
    Ok((status, text, mark.kill()))
}

/// Starts a command and shows it. Returns its lines as well.
fn start_shown(command: &mut Command) -> Result<Started> {
    say!("▸ {}", shell::show(command));
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    start_piped(command)
}

/// Starts a command. Returns its lines as well.
fn start_piped(command: &mut Command) -> Result<Started> {
    let shown = shell::show(command);
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.with_context(|| format!("cannot start `{shown}`"))?;
    let mut reader = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let (lines, output) = mpsc::channel();
    thread::spawn(move || {
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            if lines.send(std::mem::take(&mut line)).is_err() {
                break;
            }
        }
    });
    Ok((child, output))
}

fn show_line(line: Vec<u8>) -> String {
    std::io::stdout().write_all(&line).ok();
    String::from_utf8_lossy(&line).into_owned()
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
    fn the_error_of_a_command_has_its_output_and_a_hint() {
        let mut failing = shell::command("sh");
        failing.args(["-c", "echo too bad; exit 3"]);
        let error = logged("a test of failing", &mut failing, None, "Do this.").unwrap_err().to_string();
        for part in ["`sh -c 'echo too bad; exit 3'`", "3", "  | too bad", "Do this."] {
            assert!(error.contains(part), "{part:?} is missing in {error}");
        }
    }

    #[test]
    fn a_command_that_takes_too_long_is_killed() {
        let mut slow = shell::command("sleep");
        slow.arg("60");
        let error = logged("a test of limits", &mut slow, Some(Duration::from_millis(100)), "Hurry.");
        assert!(error.unwrap_err().to_string().contains("did not end within 0.1 s"));
    }

    #[test]
    fn nothing_outlives_a_command_that_takes_too_long() {
        let mut slow = shell::command("sh");
        slow.args(["-c", "echo begun; sleep 60 & setsid sleep 60; echo ended"]);
        let started = Instant::now();
        let (status, output) = captured_within(&mut slow, Duration::from_millis(300)).unwrap();
        assert_eq!(status, None);
        assert!(output.starts_with("begun\nkilled what it had left running"), "{output}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_command_that_ends_in_time_has_its_status_and_output() {
        let mut quick = shell::command("sh");
        quick.args(["-c", "echo one; echo two; exit 3"]);
        let (status, output) = captured_within(&mut quick, Duration::from_secs(60)).unwrap();
        assert_eq!((status.and_then(|status| status.code()), output.as_str()), (Some(3), "one\ntwo\n"));
    }

    #[test]
    fn the_tail_of_a_long_output_counts_the_lines_before_it() {
        let output = "line\n".repeat(SHOWN_LINES_MAX + 5);
        assert!(tail(&output).starts_with("  | … 5 lines before\n  | line"));
        assert_eq!(tail("one"), "  | one");
    }
}
