//! How docs.rs builds the documentation of the crate `seamline`: what Cargo.toml sets for it.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::tools::cargo;

/// The settings.
pub struct Settings {
    /// What an application can enable.
    pub features: Vec<String>,
    /// The targets, the first of which is shown.
    pub targets: Vec<String>,
}

/// Reads the settings.
pub fn settings() -> Result<Settings> {
    let settings = &cargo::manifest("seamline")?["metadata"]["docs"]["rs"];
    let texts = |list: &Value| -> Option<Vec<String>> {
        list.as_array()?.iter().map(|text| text.as_str().map(str::to_string)).collect()
    };
    let (features, targets) = (texts(&settings["features"]), texts(&settings["targets"]));
    features
        .zip(targets)
        .map(|(features, targets)| Settings { features, targets })
        .context("Cargo.toml has no `features` and `targets` under package.metadata.docs.rs")
}
