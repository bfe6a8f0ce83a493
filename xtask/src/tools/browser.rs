//! Finding and installing browsers and their WebDrivers.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::tools::requirements::State;
use crate::tools::{apt, cargo, paths};

const CHROMIUM_NAMES: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const MAC_CHROME: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

const FIREFOX_NAMES: [&str; 2] = ["firefox", "firefox-esr"];
/// The path of WebKitGTK's small browser, below the directory of libraries.
const MINI_BROWSERS: [&str; 2] = ["webkit2gtk-4.1/MiniBrowser", "webkitgtk-6.0/MiniBrowser"];
const WEBKIT_PACKAGES: [&str; 5] = ["webkit2gtk-driver", "xvfb", "xauth", "python3-gi", "gir1.2-webkit2-4.1"];
const GECKODRIVER_VERSION: &str = "0.37.1";

/// Chromium or Chrome: `$CHROME`, `$CHROMIUM`, or on the PATH.
pub fn chromium() -> Result<PathBuf> {
    find_chromium().context("Chromium is missing; run cargo xtask setup, or set CHROME to its path")
}

fn find_chromium() -> Option<PathBuf> {
    given("CHROME")
        .or_else(|| given("CHROMIUM"))
        .or_else(|| CHROMIUM_NAMES.iter().find_map(|name| paths::on_path(name)))
        .or_else(|| Some(PathBuf::from(MAC_CHROME)).filter(|path| path.is_file()))
}

/// chromedriver: `$CHROMEDRIVER`, or on the PATH.
pub fn chromedriver() -> Result<PathBuf> {
    find_chromedriver()
        .context("chromedriver is missing; run cargo xtask setup, or set CHROMEDRIVER to its path")
}

fn find_chromedriver() -> Option<PathBuf> {
    given("CHROMEDRIVER").or_else(|| paths::on_path("chromedriver"))
}

/// Firefox: `$FIREFOX`, or on the PATH.
pub fn firefox() -> Result<PathBuf> {
    find_firefox().context("Firefox is missing; install it, or set FIREFOX to its path")
}

fn find_firefox() -> Option<PathBuf> {
    given("FIREFOX").or_else(|| FIREFOX_NAMES.iter().find_map(|name| paths::on_path(name)))
}

/// geckodriver: `$GECKODRIVER`, on the PATH, or where xtask installed it.
pub fn geckodriver() -> Result<PathBuf> {
    find_geckodriver().context("geckodriver is missing; set GECKODRIVER to its path")
}

fn find_geckodriver() -> Option<PathBuf> {
    let ours = geckodriver_root().join("bin").join(paths::program("geckodriver"));
    given("GECKODRIVER")
        .or_else(|| paths::on_path("geckodriver"))
        .or_else(|| Some(ours).filter(|file| file.is_file()))
}

fn geckodriver_root() -> PathBuf {
    paths::cache().join(format!("geckodriver-{GECKODRIVER_VERSION}"))
}

/// WebKitGTK's browser: `$WEBKIT`, or Debian's.
pub fn webkit() -> Result<PathBuf> {
    find_webkit().context("WebKitGTK's MiniBrowser is missing; set WEBKIT to its path")
}

fn find_webkit() -> Option<PathBuf> {
    let lib = Path::new("/usr/lib").join(format!("{}-linux-gnu", env::consts::ARCH));
    given("WEBKIT").or_else(|| MINI_BROWSERS.iter().map(|name| lib.join(name)).find(|file| file.is_file()))
}

/// WebKitGTK's WebDriver: `$WEBKIT_DRIVER`, or on the PATH.
pub fn webkit_driver() -> Result<PathBuf> {
    find_webkit_driver().context("WebKitWebDriver is missing; set WEBKIT_DRIVER to its path")
}

fn find_webkit_driver() -> Option<PathBuf> {
    given("WEBKIT_DRIVER").or_else(|| paths::on_path("WebKitWebDriver"))
}

fn given(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from).filter(|path| path.is_file())
}

/// For doctor and setup. It shows the path instead of the version: starting a browser takes half a second.
pub fn chromium_state() -> State {
    state(find_chromium(), "chromium")
}

/// For doctor and setup.
pub fn chromedriver_state() -> State {
    state(find_chromedriver(), "chromium-driver")
}

fn state(found: Option<PathBuf>, package: &str) -> State {
    match found {
        Some(path) => State::Ready(path.display().to_string()),
        None if apt::is_usable() => State::Missing(format!("run apt-get install {package}")),
        None => State::Missing("stop and print how to install it".into()),
    }
}

/// Installs Debian's Chromium together with its driver: they must have the same version.
pub fn chromium_install() -> Result<()> {
    apt::install("Chromium and chromedriver", &["chromium", "chromium-driver"])
}

/// Installs Debian's chromedriver.
pub fn chromedriver_install() -> Result<()> {
    apt::install("chromedriver, of the same version as Chromium", &["chromium-driver"])
}

/// For doctor and setup.
pub fn firefox_state() -> State {
    state(find_firefox(), "firefox-esr")
}

/// For doctor and setup.
pub fn geckodriver_state() -> State {
    match find_geckodriver() {
        Some(path) => State::Ready(path.display().to_string()),
        None => State::Missing(format!("run cargo install geckodriver --version {GECKODRIVER_VERSION}")),
    }
}

/// For doctor and setup: the browser, its driver, the display that it requires, and what the browser of
/// `js/e2e/support/webkit.py` imports.
pub fn webkit_state() -> State {
    let has_parts =
        || find_webkit_driver().is_some() && paths::on_path("xvfb-run").is_some() && has_webkit_for_python();
    state(find_webkit().filter(|_| has_parts()), &WEBKIT_PACKAGES.join(" "))
}

/// Debian's own Python: the packages are for no other.
fn has_webkit_for_python() -> bool {
    let types = format!("/usr/lib/{}-linux-gnu/girepository-1.0/WebKit2-4.1.typelib", env::consts::ARCH);
    Path::new(&types).is_file() && Path::new("/usr/lib/python3/dist-packages/gi").is_dir()
}

/// Installs Debian's Firefox.
pub fn firefox_install() -> Result<()> {
    apt::install("Firefox", &["firefox-esr"])
}

/// Debian has no geckodriver.
pub fn geckodriver_install() -> Result<()> {
    cargo::install("geckodriver", GECKODRIVER_VERSION, &geckodriver_root())
}

/// Installs Debian's WebKitGTK with its driver and its bindings for Python, and Xvfb.
pub fn webkit_install() -> Result<()> {
    apt::install("WebKitGTK and Xvfb", &WEBKIT_PACKAGES)
}
