//! With `--log-format json`, every line on standard error is one JSON object, whatever goes wrong.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

use crate::support::{Server, eventually, without_settings};

/// Runs the server until it ends, with RUST_LOG set to hide everything that may be hidden.
fn run(args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seamline-server"));
    without_settings(&mut command).args(args).envs(variables.iter().copied()).env("RUST_LOG", "off");
    command.stdin(Stdio::null()).output().unwrap()
}

/// The messages of the lines, all of which are JSON.
#[track_caller]
fn messages(stderr: &str) -> Vec<String> {
    let message = |line: &str| {
        let json: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        for key in ["timestamp", "level", "target"] {
            assert!(json[key].is_string(), "{line}");
        }
        json["fields"]["message"].as_str().unwrap().to_owned()
    };
    stderr.lines().map(message).collect()
}

#[track_caller]
fn assert_one_error(output: &Output, code: i32, words: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let [message] = &messages(&stderr)[..] else { panic!("not one line:\n{stderr}") };
    assert!(message.contains(words) && !message.starts_with("error"), "{message}");
    assert_eq!(output.status.code(), Some(code), "{message}");
}

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn every_startup_error_is_json() {
    const JSON: [(&str, &str); 1] = [("SEAMLINE_LOG_FORMAT", "json")];
    let (unknown, half) = (file("log-format = 'json'\nlisen = ''"), file("log-format = 'json'\n]"));
    let [unknown, half] = [&unknown, &half].map(|file| file.path().to_str().unwrap());
    let unsure = ["--listen", "0.0.0.0:0"];
    for (args, variables, code, words) in [
        (&["--log-format", "json", "--lisen"][..], &[][..], 2, "unexpected argument '--lisen'"),
        (&["--lisen", "--log-format=json"], &[], 2, "unexpected argument '--lisen'"),
        (&["--max-channels", "0"], &JSON, 2, "--max-channels"),
        (&["--log-format", "json"], &[("SEAMLINE_MAX_CHANNELS", "0")], 2, "variable SEAMLINE_MAX_CHANNELS"),
        (&["--config", unknown], &[], 1, "line 2: unknown key `lisen`; did you mean `listen`?"),
        (&[], &[("SEAMLINE_CONFIG", unknown)], 1, "line 2: unknown key"),
        (&["--config", half], &[], 1, "line 2: invalid TOML"),
        (&["--config", "/nowhere.toml"], &JSON, 1, "cannot read the configuration file"),
        (&unsure, &JSON, 1, "cannot listen on 0.0.0.0:0 without tokens"),
        (&["--token-key", "/nowhere"], &JSON, 1, "cannot use the token key /nowhere"),
        (&["log", "--log-format", "json", "list", "--data", "/nowhere"], &[], 1, "/nowhere"),
        (&["log", "list", "--data", "/nowhere"], &JSON, 1, "/nowhere"),
        (&["log", "lst"], &JSON, 2, "unrecognized subcommand 'lst'"),
    ] {
        assert_one_error(&run(args, variables), code, words);
    }
    let output = run(&["--log-format", "xml"], &JSON);
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: invalid value 'xml'"), "{output:?}");
}

#[test]
fn help_stays_text() {
    for args in
        [&["--help", "--log-format", "json"][..], &["--log-format", "json", "--version"], &["log", "--help"]]
    {
        let output = run(args, &[("SEAMLINE_LOG_FORMAT", "json")]);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("seamline-server"), "{output:?}");
    }
}

#[test]
fn errors_of_log_commands_are_json() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().to_str().unwrap();
    std::fs::write(Path::new(data).join("seamline.redb"), "this is no store".repeat(1000)).unwrap();
    for command in ["list", "verify", "export", "import"] {
        let output = run(&["log", command, "--data", data, "--log-format", "json"], &[]);
        assert_one_error(&output, 1, data);
    }
}

#[tokio::test]
async fn a_panic_is_json() {
    let server = Server::start(&["--log-format", "json", "--unsafe-panic"]);
    let panicked =
        |stderr: &str| stderr.lines().any(|line| line.contains("panicked at") && line.ends_with('}'));
    eventually("the panic", || panicked(&server.stderr())).await;
    let all = messages(&server.stderr());
    let panics: Vec<_> = all.iter().filter(|message| message.contains("panicked at")).collect();
    assert!(panics.len() == 1 && panics[0].ends_with("injected"), "{panics:?}");
}
