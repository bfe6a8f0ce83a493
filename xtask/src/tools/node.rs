//! Node.js.

use anyhow::{Result, bail};

use crate::tools::requirements::State;
use crate::tools::{npm, shell};

/// Its test runner has what the tests need from this version on.
const NODE_MIN: (u32, u32) = (20, 11);

/// For doctor and setup.
pub fn state() -> State {
    let found = shell::version("node");
    match (found, npm::find()) {
        (Some(version), Some(_)) if numbers(&version).is_some_and(|numbers| numbers >= NODE_MIN) => {
            State::Ready(version)
        }
        _ => State::Missing("stop and print how to install it".into()),
    }
}

/// Node is not installed automatically: there are too many ways to install it.
pub fn install() -> Result<()> {
    let found = shell::version("node").map(|version| format!(" (this is {version})")).unwrap_or_default();
    let (major, minor) = NODE_MIN;
    bail!("Node {major}.{minor} or newer is required{found}, with npm. Install it from https://nodejs.org")
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix('v')?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_are_parsed() {
        assert_eq!(numbers("v20.20.2"), Some((20, 20)));
        assert_eq!(numbers("20"), None);
    }
}
