//! The browser engines that tests run on, and how to start them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::tools::requirements::Part;
use crate::tools::{browser, files, paths, shell};

/// For an unattended browser in a container: no window, no sandbox, no background traffic.
const CHROME_ARGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    Chrome,
    Firefox,
    Webkit,
}

/// What `--browser` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// Chromium or Chrome
    Chrome,
    /// Firefox
    Firefox,
    /// WebKitGTK
    Webkit,
    /// All three
    All,
}

impl Choice {
    /// The engines of this choice.
    pub fn engines(self) -> &'static [Engine] {
        match self {
            Choice::Chrome => &[Engine::Chrome],
            Choice::Firefox => &[Engine::Firefox],
            Choice::Webkit => &[Engine::Webkit],
            Choice::All => &[Engine::Chrome, Engine::Firefox, Engine::Webkit],
        }
    }
}

impl Engine {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Chrome => "chrome",
            Engine::Firefox => "firefox",
            Engine::Webkit => "webkit",
        }
    }

    /// What it needs of the machine.
    pub fn parts(self) -> &'static [Part] {
        match self {
            Engine::Chrome => &[Part::Chromium, Part::Chromedriver],
            Engine::Firefox => &[Part::Firefox, Part::Geckodriver],
            Engine::Webkit => &[Part::Webkit],
        }
    }

    /// The version of the browser, and of its driver if that has its own, such as `Chromium 148.0.7778.167,
    /// ChromeDriver 148.0.7778.167`.
    pub fn version(self) -> Result<String> {
        let (browser, driver) = match self {
            Engine::Chrome => (browser::chromium()?, Some(browser::chromedriver()?)),
            Engine::Firefox => (browser::firefox()?, Some(browser::geckodriver()?)),
            Engine::Webkit => (browser::webkit()?, None),
        };
        let named = [browser].into_iter().chain(driver).map(|program| {
            let printed = shell::output(self.command(program.clone()).arg("--version"));
            let version = printed.as_deref().and_then(short_version);
            version.unwrap_or_else(|| format!("{} of unknown version", program.display()))
        });
        Ok(named.collect::<Vec<_>>().join(", "))
    }

    /// Makes wasm-bindgen's test runner use its driver. The variable's name selects the protocol, so WebKit's driver, too,
    /// goes by Safari's.
    pub fn set_driver(self, runner: &mut Command) -> Result<()> {
        let (name, driver) = match self {
            Engine::Chrome => ("CHROMEDRIVER", browser::chromedriver()?),
            Engine::Firefox => ("GECKODRIVER", browser::geckodriver()?),
            Engine::Webkit => ("SAFARIDRIVER", browser::webkit_driver()?),
        };
        for other in ["CHROMEDRIVER", "GECKODRIVER", "SAFARIDRIVER", "MSEDGEDRIVER"] {
            runner.env_remove(other);
        }
        runner.env(name, driver);
        Ok(())
    }

    /// The environment of the end-to-end tests.
    pub fn e2e_env(self) -> Result<Vec<(&'static str, OsString)>> {
        Ok(match self {
            Engine::Chrome => vec![("ENGINE", "chromium".into()), ("CHROMIUM", browser::chromium()?.into())],
            Engine::Firefox => vec![
                ("ENGINE", "firefox".into()),
                ("FIREFOX", browser::firefox()?.into()),
                ("GECKODRIVER", browser::geckodriver()?.into()),
            ],
            Engine::Webkit => vec![
                ("ENGINE", "webkit".into()),
                ("WEBKIT", browser::webkit()?.into()),
                ("WEBKIT_DRIVER", browser::webkit_driver()?.into()),
            ],
        })
    }

    /// A command that can start it. WebKitGTK has no headless mode, so it gets a virtual display.
    pub fn command(self, program: impl Into<OsString>) -> Command {
        if self != Engine::Webkit {
            return shell::command(program.into());
        }
        let mut xvfb = shell::command("xvfb-run");
        xvfb.arg("-a").arg(program.into());
        xvfb
    }

    /// Writes the capabilities that wasm-bindgen's test runner asks the driver for.
    pub fn webdriver_json(self) -> Result<PathBuf> {
        let file = paths::target().join(format!("webdriver-{}.json", self.name()));
        files::write_if_changed(&file, format!("{:#}\n", self.capabilities()?).as_bytes())?;
        Ok(file)
    }

    fn capabilities(self) -> Result<Value> {
        Ok(match self {
            Engine::Chrome => {
                json!({ "goog:chromeOptions": { "binary": browser::chromium()?, "args": CHROME_ARGS } })
            }
            Engine::Firefox => {
                json!({ "moz:firefoxOptions": { "binary": browser::firefox()?, "args": ["-headless"] } })
            }
            Engine::Webkit => {
                json!({ "webkitgtk:browserOptions": { "binary": browser::webkit()?, "args": ["--automation"] } })
            }
        })
    }
}

/// The output of `--version`, up to the number.
fn short_version(printed: &str) -> Option<String> {
    let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    printed.lines().find_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let number = words.iter().position(is_number)?;
        Some(words[..=number].join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::short_version;

    #[test]
    fn a_version_ends_at_its_number() {
        let short = |printed| short_version(printed).unwrap_or_default();
        assert_eq!(short("Chromium 148.0.7778.167 built on Debian GNU/Linux 12"), "Chromium 148.0.7778.167");
        assert_eq!(short("ChromeDriver 148.0.7778.167 (3f6b-refs/x)"), "ChromeDriver 148.0.7778.167");
        assert_eq!(short("Mozilla Firefox 140.10.2esr"), "Mozilla Firefox 140.10.2esr");
        assert_eq!(short("a note\ngeckodriver 0.37.1\nmore 2"), "geckodriver 0.37.1");
        assert_eq!(short_version("no number"), None);
    }
}
