//! What the project requires of a machine, and how it is found and installed.

use anyhow::Result;

use crate::tools::{browser, deploy, node, npm, redis, toolchain, wasm_bindgen};

/// Something that pack, demo or test requires, in the order of installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A Rust toolchain that builds for wasm32-unknown-unknown.
    WasmToolchain,
    /// The source of Rust's std, to build a smaller one for the npm package.
    StdSource,
    /// Node.js with npm.
    Node,
    /// The packages of js/package-lock.json.
    NpmPackages,
    /// The browser of the browser and e2e tests.
    Chromium,
    /// Its WebDriver, for the runner of the Rust tests.
    Chromedriver,
    /// Another browser, and its WebDriver.
    Firefox,
    /// Firefox's WebDriver.
    Geckodriver,
    /// A third browser, with its WebDriver and a virtual display.
    Webkit,
    /// wasm-bindgen, of exactly the lock file's version.
    WasmBindgen,
    /// redis-server, which the server's tests start.
    Redis,
    /// The programs that read `server/deploy/`: promtool, proxies and others.
    Deploy,
}

/// Whether a part is installed.
pub enum State {
    /// It is installed, in this version.
    Ready(String),
    /// It is missing, and setup would do this.
    Missing(String),
}

/// What `pack` requires.
pub const PACK: &[Part] =
    &[Part::WasmToolchain, Part::StdSource, Part::Node, Part::NpmPackages, Part::WasmBindgen];

/// What all commands require.
pub const ALL: &[Part] = &[
    Part::WasmToolchain,
    Part::StdSource,
    Part::Node,
    Part::NpmPackages,
    Part::Chromium,
    Part::Chromedriver,
    Part::WasmBindgen,
    Part::Redis,
    Part::Deploy,
];

/// What only `test --browser firefox`, `webkit` and `all` require.
pub const MORE_BROWSERS: &[Part] = &[Part::Firefox, Part::Geckodriver, Part::Webkit];

impl Part {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Part::WasmToolchain => "wasm toolchain",
            Part::StdSource => "std source",
            Part::Node => "node",
            Part::NpmPackages => "npm packages",
            Part::Chromium => "chromium",
            Part::Chromedriver => "chromedriver",
            Part::Firefox => "firefox",
            Part::Geckodriver => "geckodriver",
            Part::Webkit => "webkit",
            Part::WasmBindgen => "wasm-bindgen",
            Part::Redis => "redis-server",
            Part::Deploy => "deploy tools",
        }
    }

    /// Looks for it. Changes nothing, and does not use the network.
    pub fn state(self) -> State {
        match self {
            Part::WasmToolchain => toolchain::state(),
            Part::StdSource => toolchain::source_state(),
            Part::Node => node::state(),
            Part::NpmPackages => npm::state(),
            Part::Chromium => browser::chromium_state(),
            Part::Chromedriver => browser::chromedriver_state(),
            Part::Firefox => browser::firefox_state(),
            Part::Geckodriver => browser::geckodriver_state(),
            Part::Webkit => browser::webkit_state(),
            Part::WasmBindgen => wasm_bindgen::state(),
            Part::Redis => redis::state(),
            Part::Deploy => deploy::state(),
        }
    }

    /// Installs it.
    pub fn install(self) -> Result<()> {
        match self {
            Part::WasmToolchain => toolchain::install(),
            Part::StdSource => toolchain::install_source(),
            Part::Node => node::install(),
            Part::NpmPackages => npm::install(),
            Part::Chromium => browser::chromium_install(),
            Part::Chromedriver => browser::chromedriver_install(),
            Part::Firefox => browser::firefox_install(),
            Part::Geckodriver => browser::geckodriver_install(),
            Part::Webkit => browser::webkit_install(),
            Part::WasmBindgen => wasm_bindgen::install(),
            Part::Redis => redis::install(),
            Part::Deploy => deploy::install(),
        }
    }
}

/// Installs those of `parts` that are missing.
pub fn ensure(parts: &[Part]) -> Result<()> {
    for part in ALL.iter().chain(MORE_BROWSERS).filter(|part| parts.contains(part)) {
        if let State::Missing(_) = part.state() {
            part.install()?;
        }
    }
    Ok(())
}
