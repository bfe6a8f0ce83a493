//! A mark on everything that a command starts, by which it can be killed.

use std::collections::BTreeSet;
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{fs, iter, thread};

use crate::tools::shell;

/// Children inherit the environment, also those that leave the process group or outlive their parent.
const NAME: &str = "SEAMLINE_XTASK_RUN";
/// While a process starts another program, its environment is empty for a moment. So a search that found nothing is
/// repeated after this time.
const PAUSE: Duration = Duration::from_millis(20);

/// The mark of one command.
pub struct Mark(String);

impl Mark {
    /// Marks a command that is not started yet.
    pub fn put_on(command: &mut Command) -> Mark {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let value = format!("{}-{}", process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
        command.env(NAME, &value);
        Mark(format!("{NAME}={value}"))
    }

    /// Kills all that the command has started and that still runs. Returns how many processes that were. Without
    /// `/proc`, it finds none.
    pub fn kill(&self) -> usize {
        let mut killed = BTreeSet::new();
        let mut searches_in_vain = 0;
        while searches_in_vain < 2 {
            let mut found = self.processes();
            found.retain(|id| killed.insert(*id));
            match found.is_empty() {
                true => searches_in_vain += 1,
                false => searches_in_vain = 0,
            }
            let ids = found.iter().map(u32::to_string);
            if !found.is_empty() {
                shell::output(Command::new("kill").args(iter::once("-9".to_string()).chain(ids)));
            }
            thread::sleep(PAUSE);
        }
        killed.len()
    }

    fn processes(&self) -> Vec<u32> {
        let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter(|id| self.is_on(*id)).collect()
    }

    /// The environment of a process that has ended, or belongs to somebody else, cannot be read.
    fn is_on(&self, id: u32) -> bool {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == self.0.as_bytes())
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_process_that_has_left_its_parent_is_killed() {
        let mut parent = Command::new("sh");
        parent.args(["-c", "setsid sleep 60 & echo $!"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mark = Mark::put_on(&mut parent);
        let other = Mark::put_on(&mut Command::new("sh"));
        // The sleep has the other end of stdout, too.
        let mut parent = parent.spawn().unwrap();
        assert!(parent.wait().unwrap().success());
        assert_eq!(other.kill(), 0);
        while mark.processes().is_empty() {
            thread::yield_now(); // it is starting
        }
        assert_eq!(mark.kill(), 1);
        while !mark.processes().is_empty() {
            thread::yield_now();
        }
    }
}
