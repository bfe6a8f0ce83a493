//! Runs tests and counts them.

use std::num::NonZero;
use std::process::{Command, ExitStatus};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::tools::failures::Failure;
use crate::tools::progress::{self, say};
use crate::tools::tally::Tally;
use crate::tools::{run, shell};

/// Runs tests and counts them. None at all is a failure: a group that runs nothing shows nothing.
pub fn count(command: &mut Command) -> Result<Tally> {
    let tally = count_some_or_none(command)?;
    if tally == Tally::default() {
        bail!("`{}` ran no tests", shell::show(command));
    }
    Ok(tally)
}

/// As [`count`], for commands that may run none. A failure that is not a test's, such as one to compile, counts as one.
pub fn count_some_or_none(command: &mut Command) -> Result<Tally> {
    let (status, output) = run::shown(command)?;
    Ok(tally(command, status, &output))
}

/// Runs a command that is one test: it passes if the command succeeds.
pub fn succeeds(command: &mut Command) -> Result<Tally> {
    let (status, output) = run::shown(command)?;
    Ok(if status.success() {
        Tally::passed(1)
    } else {
        Tally::failed(failed_command(command, status, &output))
    })
}

/// The tests of one file.
pub struct File {
    /// What runs it.
    pub command: Command,
    /// Names it in messages.
    pub name: String,
}

/// The tests of these files, so many at a time. What a file prints is shown when it has ended. One that takes longer than
/// `limit` is killed with all that it has started, and counts as failed: a test that hangs must not hold up the others.
pub fn count_files(files: Vec<File>, at_a_time: usize, limit: Duration) -> Result<Tally> {
    let (open, sum) = (Mutex::new(files.into_iter()), Mutex::new(Tally::default()));
    let run_some = || -> Result<()> {
        loop {
            let next = open.lock().expect(NO_PANIC).next();
            let Some(mut file) = next else { return Ok(()) };
            let ended = run::captured_within(&mut file.command, limit)?;
            // Under the lock, so that the output of two files does not mix.
            let mut sum = sum.lock().expect(NO_PANIC);
            *sum += file.tally(ended, limit)?;
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_a_time).map(|_| scope.spawn(run_some)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect(NO_PANIC))
    })?;
    Ok(sum.into_inner().expect(NO_PANIC))
}

const NO_PANIC: &str = "no worker panics";

impl File {
    /// Shows and counts what it has printed.
    fn tally(&self, (status, output): (Option<ExitStatus>, String), limit: Duration) -> Result<Tally> {
        say!("▸ {}\n{}", shell::show(&self.command), output.trim_end());
        let Some(status) = status else {
            let cure = "run it alone: a test hangs, or the machine is too slow";
            let why = format!("did not end within {}; {cure}", progress::seconds(limit));
            say!("error: {} {why}", self.name);
            let mut tally = Tally::of(&output);
            tally += Tally::failed(Failure::at_the_end(&self.name, &why, &output));
            return Ok(tally);
        };
        let tally = tally(&self.command, status, &output);
        if tally == Tally::default() {
            bail!("{} has no tests", self.name);
        }
        Ok(tally)
    }
}

/// Counts and names a test of one condition, as cargo does.
pub fn verdict(name: &str, passed: bool) -> Tally {
    say!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
    if passed { Tally::passed(1) } else { Tally::failed(Failure::new(name, "")) }
}

/// How many tests run at a time that mostly wait for other processes: two for each core.
pub fn waiting_threads() -> String {
    (2 * cores()).to_string()
}

/// The cores of this machine.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

fn tally(command: &Command, status: ExitStatus, output: &str) -> Tally {
    let mut tally = Tally::of(output);
    if !status.success() && tally.failed == 0 {
        say!("`{}` failed ({status})", shell::show(command));
        tally += Tally::failed(failed_command(command, status, output));
    }
    tally
}

fn failed_command(command: &Command, status: ExitStatus, output: &str) -> Failure {
    let why = format!("failed ({status}), with this output at the end:");
    Failure::at_the_end(format!("`{}`", shell::show(command)), &why, output)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::tools::paths;

    const HANGS: &str = "test(\"hangs\", () => new Promise(() => setInterval(() => {}, 1000)));";
    const PASSES: &str = "test(\"passes\", () => {});";
    const FAILS: &str = "test(\"fails\", () => { throw new Error(\"too bad\"); });";

    fn file(name: &str, script: &str) -> File {
        let folder = paths::target().join("test-data/runner");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(name);
        fs::write(&file, format!("import {{ test }} from \"node:test\";\n{script}")).unwrap();
        let name = paths::shown(&file);
        let mut command = shell::command("node");
        command.args(["--test", "--test-reporter=spec", &name]);
        File { command, name }
    }

    #[test]
    fn a_file_that_hangs_counts_as_failed() {
        let files = vec![file("hangs.test.mjs", HANGS)];
        let tally = count_files(files, 1, Duration::from_secs(3)).unwrap();
        assert_eq!((tally.passed, tally.failed), (0, 1));
        let [failure] = &tally.failures[..] else { panic!("{tally:?}") };
        assert!(failure.shown("e2e").contains("hangs.test.mjs\n    did not end within 3.0 s"), "{failure:?}");
    }

    #[test]
    fn files_that_end_in_time_are_counted() {
        let files = (0..3).map(|i| file(&format!("passes-{i}.test.mjs"), PASSES)).collect();
        let tally = count_files(files, 2, Duration::from_secs(60)).unwrap();
        assert_eq!(tally, Tally::passed(3));
    }

    #[test]
    fn a_failed_test_is_named_with_its_file_and_error() {
        // Not shown: in the output of this test it would count as another test, which failed.
        let output = file("fails.test.mjs", FAILS).command.output().unwrap();
        let tally = Tally::of(&String::from_utf8_lossy(&output.stdout));
        assert_eq!((tally.passed, tally.failed), (0, 1));
        let [failure] = &tally.failures[..] else { panic!("{tally:?}") };
        let shown = failure.shown("e2e chrome");
        assert!(shown.contains("fails.test.mjs:2:1 fails\n    Error: too bad\n"), "{shown}");
    }

    #[test]
    fn a_command_that_fails_is_named_with_its_last_lines() {
        let mut command = shell::command("sh");
        let tally = count_some_or_none(command.args(["-c", "echo one; exit 3"])).unwrap();
        let [failure] = &tally.failures[..] else { panic!("{tally:?}") };
        assert_eq!((tally.failed, failure.name.as_str()), (1, "`sh -c 'echo one; exit 3'`"));
        assert_eq!(failure.lines.last().unwrap(), "one");
    }
}
