//! Alert rules and the dashboard: they are valid, and name metrics that the server has; alerts fire when they should.
//! The dashboard has all metrics, with few exceptions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{DEPLOY, run, text};
use crate::metrics::scrapes;

const RULES: &str = "prometheus-rules.yml";
const DASHBOARD: &str = "grafana-dashboard.json";

/// Metrics that are not on the dashboard.
const LEFT_OUT: [(&str, &str); 3] = [
    ("process_threads", "it does not depend on the load"),
    ("process_virtual_memory_bytes", "an allocator reserves more than it uses: the resident memory counts"),
    ("seamline_duplicates_sent_total", "the overlap at the seam is part of the protocol"),
];

/// The metrics, each with the names of its samples.
fn samples(scrapes: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let lines = scrapes.iter().flat_map(|text| text.lines());
    let described = lines.filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let metric = |(name, kind): (&str, &str)| {
        let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_count", "_sum"] } else { &[""] };
        (name.to_owned(), suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect())
    };
    described.map(metric).collect()
}

/// The words in a text that are names of the server's metrics by their form.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_name = |word: &&str| word.starts_with("seamline_") || word.starts_with("process_");
    words.filter(is_name).map(str::to_owned).collect()
}

#[test]
fn alert_rules_are_valid() {
    let checked = run("promtool", &["check", "rules", &format!("{DEPLOY}/{RULES}")]);
    assert!(checked.contains("SUCCESS"), "{checked}");
}

#[test]
fn alerts_fire_when_they_should() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("test.yml");
    let test = include_str!("alerts.test.yml").replace("RULES]", &format!("{DEPLOY}/{RULES}]"));
    std::fs::write(&file, test).unwrap();
    run("promtool", &["test", "rules", file.to_str().unwrap()]);
    let rules = text(RULES);
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    for alert in alerts {
        let tested = format!("alertname=\"{alert}\"");
        assert!(include_str!("alerts.test.yml").contains(&tested), "no test for {alert}");
    }
}

#[test]
fn the_dashboard_is_valid() {
    let dashboard: Value = serde_json::from_str(&text(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have the same id");
    // Each expression is a valid rule, once Grafana has replaced its variables.
    let expressions = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let expressions = expressions.map(|target| target["expr"].as_str().unwrap());
    let rule = |(i, expression): (usize, &str)| {
        let expression = expression.replace("$__rate_interval", "5m").replace('$', "");
        json!({"record": format!("a{i}"), "expr": expression})
    };
    let rules: Vec<Value> = expressions.enumerate().map(rule).collect();
    assert!(rules.len() >= panels.len());
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rules.yml"); // JSON is YAML
    std::fs::write(&file, json!({"groups": [{"name": "a", "rules": rules}]}).to_string()).unwrap();
    run("promtool", &["check", "rules", file.to_str().unwrap()]);
}

#[tokio::test]
async fn monitoring_names_existing_metrics() {
    let metrics = samples(&scrapes().await);
    let existing: BTreeSet<String> = metrics.values().flatten().cloned().collect();
    for file in [RULES, DASHBOARD] {
        let named = named(&text(file));
        assert!(named.len() > 5, "{file}: {named:?}");
        let unknown: Vec<_> = named.difference(&existing).collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}; there are\n{existing:?}");
    }
    let shown = named(&text(DASHBOARD));
    let missing = metrics.iter().filter(|(_, samples)| samples.is_disjoint(&shown));
    let missing: Vec<&str> = missing.map(|(name, _)| &**name).collect();
    assert_eq!(missing, LEFT_OUT.map(|(name, _)| name), "not on the dashboard");
}
