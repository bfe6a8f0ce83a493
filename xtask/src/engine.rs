//! The browser engines that tests run on, and how each is started.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::setup::Part;
use crate::{browser, paths, shell};

/// For an unattended browser in a container: no window, no sandbox, no traffic of its own.
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
    /// The engines meant.
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

    /// What tells wasm-pack to use it.
    pub fn wasm_pack_args(self) -> Result<[OsString; 3]> {
        let (browser, flag, driver) = match self {
            Engine::Chrome => ("--chrome", "--chromedriver", browser::chromedriver()?),
            Engine::Firefox => ("--firefox", "--geckodriver", browser::geckodriver()?),
            // Any driver that speaks WebDriver will do under that name.
            Engine::Webkit => ("--safari", "--safaridriver", browser::webkit_driver()?),
        };
        Ok([browser.into(), flag.into(), driver.into()])
    }

    /// What the end-to-end tests want to know of it.
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

    /// A command that starts it. WebKitGTK has no headless mode: it gets a display that nobody sees.
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
        shell::write_if_changed(&file, format!("{:#}\n", self.capabilities()?).as_bytes())?;
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
