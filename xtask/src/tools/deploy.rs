//! The programs that check and run the files in `server/deploy/`: the server's tests start them.

use anyhow::Result;

use crate::tools::requirements::State;
use crate::tools::{apt, paths};

/// A program, its package, and the services that the package starts.
const PROGRAMS: [(&str, &str, &[&str]); 5] = [
    ("promtool", "prometheus", &["prometheus"]),
    ("systemd-analyze", "systemd", &[]),
    ("nginx", "nginx", &["nginx"]),
    ("haproxy", "haproxy", &["haproxy"]),
    ("caddy", "caddy", &["caddy"]),
];

/// For doctor and setup.
pub fn state() -> State {
    match &missing()[..] {
        [] => State::Ready(PROGRAMS.map(|(program, ..)| program).join(", ")),
        packages => State::Missing(format!("run apt-get install {}", packages.join(" "))),
    }
}

/// Installs those that are missing, and disables the services that their packages start.
pub fn install() -> Result<()> {
    let packages = missing();
    apt::install("the programs that read server/deploy", &packages)?;
    for (_, package, services) in PROGRAMS {
        if packages.contains(&package) {
            services.iter().for_each(|service| apt::disable(service));
        }
    }
    Ok(())
}

fn missing() -> Vec<&'static str> {
    let missing = PROGRAMS.into_iter().filter(|(program, ..)| paths::on_path(program).is_none());
    missing.map(|(_, package, _)| package).collect()
}
