//! The systemd unit: what the process can do is restricted, and it is restarted without a limit.

use super::{DEPLOY, run, text};

const UNIT: &str = "seamline-server.service";

/// `systemd-analyze security` rates from 0 (best) to 10.
const EXPOSURE_MAX: f64 = 3.0;

#[test]
fn the_unit_is_hardened() {
    let rated =
        run("systemd-analyze", &["security", "--offline=true", "--no-pager", &format!("{DEPLOY}/{UNIT}")]);
    let exposure = rated.rsplit_once("service: ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    let exposure: f64 = exposure.unwrap_or_else(|| panic!("{rated}"));
    assert!(exposure <= EXPOSURE_MAX, "{rated}");
    // The documentation has the figure.
    let page = include_str!("../../../../docs/OPERATIONS.md");
    let figure = format!("`systemd-analyze security` rates it {exposure:.1}");
    assert!(page.contains(&figure), "docs/OPERATIONS.md does not have: {figure}");
}

#[test]
fn restarts_have_no_limit() {
    let unit = text(UNIT);
    for line in ["StartLimitIntervalSec=0", "Restart=always"] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
}
