//! Runs a build step only if its inputs have changed.
//!
//! A stamp is a file that is written after the step has succeeded. It contains the step's recipe (its command and the
//! names of its inputs), and its time is the *start* of the step: an input that changes while the step runs is newer.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::tools::paths;

/// One step's stamp, inputs and outputs.
pub struct Stamp {
    file: PathBuf,
    recipe: String,
    inputs: Vec<PathBuf>,
    outputs: Vec<PathBuf>,
}

impl Stamp {
    /// The stamp of the step `name`. `how` must change whenever the step would do something else.
    pub fn new(name: &str, how: &str, inputs: Vec<PathBuf>, outputs: Vec<PathBuf>) -> Stamp {
        Stamp::at(paths::target().join("xtask-stamps").join(name), how, inputs, outputs)
    }

    fn at(file: PathBuf, how: &str, inputs: Vec<PathBuf>, outputs: Vec<PathBuf>) -> Stamp {
        let names: String = inputs.iter().map(|input| format!("{}\n", paths::shown(input))).collect();
        Stamp { file, recipe: format!("{how}\n{names}"), inputs, outputs }
    }

    /// Whether the step would produce the same again.
    pub fn is_fresh(&self) -> bool {
        let Some(stamped) = modified(&self.file) else { return false };
        fs::read_to_string(&self.file).is_ok_and(|recipe| recipe == self.recipe)
            && self.outputs.iter().all(|output| output.exists())
            && self.inputs.iter().all(|input| modified(input).is_some_and(|time| time <= stamped))
    }

    /// Runs `work` unless the step is fresh. Returns whether it ran.
    pub fn renew(&self, work: impl FnOnce() -> Result<()>) -> Result<bool> {
        if self.is_fresh() {
            return Ok(false);
        }
        let started = SystemTime::now();
        fs::remove_file(&self.file).ok();
        work()?;
        let write = || {
            fs::create_dir_all(self.file.parent().expect("a stamp lies in a directory"))?;
            fs::write(&self.file, &self.recipe)?;
            File::options().write(true).open(&self.file)?.set_modified(started)
        };
        write().with_context(|| format!("cannot write {}", self.file.display()))?;
        Ok(true)
    }
}

fn modified(file: &PathBuf) -> Option<SystemTime> {
    fs::metadata(file).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A fresh stamp with one input and one output, in a directory of its own.
    fn fresh(name: &str) -> (PathBuf, Stamp) {
        let dir = std::env::temp_dir().join(format!("seamline-stamp-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        for file in ["in", "out"] {
            fs::write(dir.join(file), file).unwrap();
        }
        let stamp = Stamp::at(dir.join("stamp"), "how", vec![dir.join("in")], vec![dir.join("out")]);
        assert!(stamp.renew(|| Ok(())).unwrap());
        assert!(stamp.is_fresh());
        (dir, stamp)
    }

    #[test]
    fn a_fresh_step_does_not_run_again() {
        let (dir, stamp) = fresh("fresh");
        assert!(!stamp.renew(|| panic!("ran")).unwrap());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_newer_input_makes_it_stale() {
        let (dir, stamp) = fresh("input");
        let input = File::options().write(true).open(dir.join("in")).unwrap();
        input.set_modified(SystemTime::now() + Duration::from_secs(1)).unwrap();
        assert!(!stamp.is_fresh());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn an_input_that_changes_during_the_step_makes_it_stale() {
        let (dir, stamp) = fresh("during");
        fs::remove_file(dir.join("out")).unwrap();
        let later = SystemTime::now() + Duration::from_secs(1);
        let work = || {
            fs::write(dir.join("out"), "out")?;
            Ok(File::options().write(true).open(dir.join("in"))?.set_modified(later)?)
        };
        assert!(stamp.renew(work).unwrap());
        assert!(!stamp.is_fresh());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_missing_output_or_another_recipe_makes_it_stale() {
        let (dir, _) = fresh("recipe");
        let at = |how, inputs, outputs| Stamp::at(dir.join("stamp"), how, inputs, outputs);
        assert!(at("how", vec![dir.join("in")], vec![]).is_fresh());
        assert!(!at("how", vec![dir.join("in")], vec![dir.join("gone")]).is_fresh());
        assert!(!at("other", vec![dir.join("in")], vec![]).is_fresh());
        assert!(!at("how", vec![], vec![]).is_fresh());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_step_that_fails_stays_stale() {
        let (dir, stamp) = fresh("fails");
        fs::remove_file(dir.join("out")).unwrap();
        assert!(stamp.renew(|| anyhow::bail!("no")).is_err());
        fs::write(dir.join("out"), "out").unwrap();
        assert!(!stamp.is_fresh());
        fs::remove_dir_all(dir).unwrap();
    }
}
