//! The sources of settings, their precedence, and the errors about wrong ones. The tests use `--print-config`.

use std::process::Command;

use tempfile::NamedTempFile;

use crate::support::{SECRET, Server, refused_to_start, without_settings};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/seamline.toml");

/// Runs the server with environment variables; returns its exit code and its whole output.
fn run(args: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seamline-server"));
    let output = without_settings(&mut command).args(args).envs(variables.iter().copied()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn printed(args: &[&str], variables: &[(&str, &str)]) -> String {
    let (code, text) = run(&[args, &["--print-config"]].concat(), variables);
    assert_eq!(code, Some(0), "{text}");
    text
}

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn name(file: &NamedTempFile) -> &str {
    file.path().to_str().unwrap()
}

#[track_caller]
fn assert_has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|found| found == *line), "no {line:?} in:\n{text}");
    }
}

#[test]
fn the_command_line_overrides_environment_and_file() {
    let file = file(
        "max-channels = 1\nmax-frame-bytes = 2_000\nheartbeat-ms = 0x100\nallow-origin = ['https://a.example', 'null']\n\
         demo = true\ntrust-store = true\nretain-age = '7d'",
    );
    let from_file = format!("# {}", name(&file));
    let variables = [("SEAMLINE_MAX_CHANNELS", "2"), ("SEAMLINE_MAX_FRAME_BYTES", "3000")];
    let text = printed(&["--config", name(&file), "--max-channels", "3", "--demo=false"], &variables);
    assert_has(
        &text,
        &[
            "max-channels = 3 # command line",
            "demo = false # command line",
            "max-frame-bytes = 3000 # SEAMLINE_MAX_FRAME_BYTES",
            &format!("heartbeat-ms = 256 {from_file}"),
            &format!("allow-origin = [\"https://a.example\", \"null\"] {from_file}"),
            &format!("trust-store = true {from_file}"),
            &format!("retain-age = \"7d\" {from_file}"),
            "retain-messages = 100000 # default",
            "# token-key is not set",
        ],
    );
    let text = printed(&[], &[("SEAMLINE_CONFIG", name(&file)), ("SEAMLINE_ALLOW_ORIGIN", "null,*")]);
    assert_has(&text, &["allow-origin = [\"null\", \"*\"] # SEAMLINE_ALLOW_ORIGIN"]);
    assert_has(&text, &[&format!("max-channels = 1 {from_file}")]);
}

#[test]
fn every_option_has_an_environment_variable() {
    let keys = |text: &str| -> Vec<String> {
        let words = text.lines().map(|line| line.trim_start_matches("# ").split(' ').next().unwrap());
        words.map(str::to_owned).collect()
    };
    let all = keys(&printed(&[], &[]));
    assert!(all.len() > 15, "{all:?}");
    for key in all {
        let variable = format!("SEAMLINE_{}", key.replace('-', "_").to_uppercase());
        // A value that is either rejected or printed.
        let (code, text) = run(&["--print-config"], &[(&variable, "…")]);
        let shown = text.lines().any(|line| line.starts_with(&key) && line.ends_with(&variable));
        let rejected = code == Some(2) && text.contains(&format!("cannot use the variable {variable}: "));
        assert!(shown || rejected, "{variable}: {text}");
    }
}

#[tokio::test]
async fn printed_settings_work_as_a_file() {
    let text =
        printed(&["--max-channels", "7", "--log", "redis://127.0.0.1:6379/0", "--allow-origin", "*"], &[]);
    let again = printed(&["--config", name(&file(&text))], &[]);
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(" # ").next().unwrap().to_owned()).collect()
    };
    assert_eq!(values(&text), values(&again));
    let file = file("listen = '127.0.0.1:0'\nmax-frame-bytes = 1024");
    let server = Server::start(&["--config", name(&file)]);
    let mut client = crate::support::Client::connect(&server).await;
    client.send(serde_json::json!({"op": "hello", "v": 1, "client_id": "c"})).await;
    assert_eq!(client.next_op("welcome").await["max_frame_bytes"], 1024);
}

#[test]
fn file_errors_name_the_line() {
    for (line, word) in [
        ("lisen = '127.0.0.1:1'", "did you mean `listen`"),
        ("max_channels = 3", "did you mean `max-channels`"),
        ("zzz = 3", "unknown key `zzz`"),
        ("config = 'other.toml'", "unknown key `config`"),
        ("max-channels = '3'", "`max-channels`: expected a number"),
        ("max-channels = 0", "`max-channels`"),
        ("max-channels = -1", "`max-channels`: -1"),
        ("retain-age = 90", "`retain-age`: expected a string"),
        ("retain-age = '90'", "90s"),
        ("demo = 'yes'", "`demo`: expected true or false"),
        ("log-format = 'xml'", "text, json"),
        ("listen = ['127.0.0.1:1']", "`listen`: expected a string"),
        ("[server]", "unknown key `server`"),
        ("data = ./here", "TOML"),
    ] {
        let file = file(&format!("# The second line is wrong.\n{line}\n"));
        let (code, stderr) = refused_to_start(&["--config", name(&file)]);
        assert_eq!(code, Some(1), "{stderr}");
        for word in [&format!("{}, line 2: ", name(&file)), word] {
            assert!(stderr.contains(word), "no {word:?} in:\n{stderr}");
        }
    }
    let (code, stderr) = refused_to_start(&["--config", "/nowhere/seamline.toml"]);
    assert!(code == Some(1) && stderr.contains("/nowhere/seamline.toml"), "{stderr}");
}

#[test]
fn errors_name_the_variable_or_the_line() {
    let (code, text) = run(&[], &[("SEAMLINE_MAX_CHANNELS", "many"), ("SEAMLINE_HEARTBEAT_MS", "100")]);
    let expected = "error: cannot use the variable SEAMLINE_MAX_CHANNELS: invalid value 'many'";
    assert!(code == Some(2) && text.contains(expected), "{text}");
    // What the command line overrides is not used, so it is not the error.
    let wrong = [("SEAMLINE_HEARTBEAT_MS", "slow"), ("SEAMLINE_MAX_CHANNELS", "many")];
    let (_, text) = run(&["--heartbeat-ms", "100"], &wrong);
    assert!(text.contains("SEAMLINE_MAX_CHANNELS") && !text.contains("SEAMLINE_HEARTBEAT_MS"), "{text}");
    let (_, text) = run(&["--max-channels", "many"], &[("SEAMLINE_MAX_CHANNELS", "1")]);
    assert!(text.contains("'--max-channels <N>'") && !text.contains("SEAMLINE_"), "{text}");
    // Each value is valid, and rejected all the same.
    let (code, text) = run(&[], &[("SEAMLINE_TOKEN_SECRET", "short")]);
    assert!(code == Some(1) && text.ends_with("--token-secret is set by SEAMLINE_TOKEN_SECRET.\n"), "{text}");
    let (code, text) = run(&[], &[("SEAMLINE_ADMIN_TOKEN", SECRET)]);
    assert!(code == Some(1) && text.ends_with("--admin-token is set by SEAMLINE_ADMIN_TOKEN.\n"), "{text}");
    let file = file("# A file.\n\nwww = '/'\nlisten = '0.0.0.0:80'");
    let (code, text) = run(&["--config", name(&file)], &[]);
    let source = format!("\n--listen is set by {}, line 4.\n", name(&file));
    assert!(code == Some(1) && text.ends_with(&source), "{text}");
}

#[test]
fn unknown_variables_are_reported() {
    let variables = [
        ("SEAMLINE_MAX_CHANELS", "hush"),
        ("SEAMLINE_ZZZ", "hush"),
        ("SEAMLINE_MAX_CHANNELS", "5"),
        ("SEAMLINE_PRINT_CONFIG", "false"),
        ("SEAM", "hush"),
    ];
    let (code, text) = run(&["--print-config"], &variables);
    assert_eq!(code, Some(0), "{text}");
    let warnings: Vec<&str> = text.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 3, "{text}");
    assert!(warnings[0].contains("SEAMLINE_MAX_CHANELS is not a setting"), "{text}");
    assert!(warnings[0].ends_with("did you mean SEAMLINE_MAX_CHANNELS?"), "{text}");
    assert!(warnings[1].contains("SEAMLINE_PRINT_CONFIG is not a setting"), "{text}");
    assert!(
        warnings[2].contains("SEAMLINE_ZZZ is not a setting") && warnings[2].contains("--help"),
        "{text}"
    );
    assert!(!text.contains("hush"), "{text}");
}

#[test]
fn secrets_are_never_printed() {
    let refused = file("log = 'reds://ada:hush@h'");
    let unquoted = file("token-secret = hush");
    for args in [
        &["--log", "reds://ada:hush@h"][..],
        &["--log", "rediss//ada:hush@h"],
        &["redis://ada:hush@h"],
        &["--lgo=redis://ada:hush@h"],
        &["--config", name(&refused)],
        &["--config", name(&unquoted)],
        &[
            "--print-config",
            "--log",
            "redis://ada:hush@h/0",
            "--token-secret",
            "hush-hush-hush-hush-hush-hush-hush",
        ],
        &["--print-config", "--authorize-url", "https://h/may?key=hush", "--token-secret", SECRET],
    ] {
        let (_, text) = run(args, &[]);
        assert!(text.len() > 20 && !text.contains("hush"), "{args:?}: {text}");
    }
    let (_, text) = run(&[], &[("SEAMLINE_LOG", "reds://ada:hush@h")]);
    assert!(text.contains("reds://…@h") && !text.contains("hush"), "{text}");
}

#[test]
fn the_placeholder_for_a_secret_is_rejected() {
    for line in ["token-secret = '…'", "log = 'redis://…@h'"] {
        let (code, stderr) = refused_to_start(&["--config", name(&file(line))]);
        assert!(code == Some(1) && stderr.contains("--print-config"), "{stderr}");
    }
}

#[test]
fn a_secret_and_a_key_are_rejected_together() {
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/keys/rsa.public.pem");
    let (code, stderr) =
        refused_to_start(&["--config", name(&file("token-secret = 's'")), "--token-key", key]);
    assert!(code == Some(1) && stderr.contains("one of them"), "{stderr}");
}

#[test]
fn the_example_file_lists_every_option_and_default() {
    let example = std::fs::read_to_string(EXAMPLE).unwrap();
    let set = printed(&["--config", EXAMPLE], &[]);
    assert_has(&set, &[&format!("data = \"/var/lib/seamline\" # {EXAMPLE}")]);
    // `#key = value`, without a space, is a default.
    let uncommented: Vec<&str> = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase()) => setting,
            _ => line,
        })
        .collect();
    let full = printed(&["--config", name(&file(&uncommented.join("\n")))], &[]);
    for line in set.lines() {
        let (key, value) = match line.split_once(" = ") {
            Some((key, value)) => (key, value),
            None => (line.split(' ').nth(1).unwrap(), ""),
        };
        assert!(example.contains(&format!("{key} = ")), "the example does not have {key}");
        if let Some(default) = value.strip_suffix(" # default") {
            assert!(full.contains(&format!("{key} = {default} ")), "the default of {key} is {default}");
        }
    }
}

#[test]
fn print_config_checks_the_url_of_redis() {
    for (url, word) in
        [("redis://h?wait=1", "`wait`"), ("redis://a,b", "several hosts"), ("redis://h:x", "URL")]
    {
        let (code, text) = run(&["--print-config", "--log", url], &[]);
        assert!(code == Some(1) && text.contains("as the store: ") && text.contains(word), "{url}: {text}");
    }
    printed(&["--log", "redis+sentinel://127.0.0.1:1/chat?replicas=1"], &[]);
}

#[test]
fn print_config_checks_key_and_certificate_files() {
    let [cert, key] = [file("no certificate"), file("no key")];
    for args in [&["--token-key", "none.pem"][..], &["--tls-cert", name(&cert), "--tls-key", name(&key)]] {
        let (code, text) = run(&[args, &["--print-config"]].concat(), &[]);
        assert!(code == Some(1) && text.contains("error: "), "{args:?}: {text}");
        assert_has(&text, &["retain-messages = 100000 # default"]);
    }
}
