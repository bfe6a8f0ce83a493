//! The Dockerfile: the image is configured by environment variables.

use std::process::Command;

use super::text;
use crate::support::{SECRET, without_settings};

#[test]
fn the_image_is_configured_by_its_environment() {
    let file = text("Dockerfile");
    let (entry, set): (Vec<&str>, Vec<&str>) = file
        .lines()
        .filter(|line| line.starts_with("ENTRYPOINT") || line.starts_with("ENV "))
        .partition(|line| line.starts_with("ENTRYPOINT"));
    // An option on the command line would override the variables that a user gives, and `log` could not be run.
    assert_eq!(entry, [r#"ENTRYPOINT ["seamline-server"]"#]);
    let variables =
        set.iter().flat_map(|line| line.split(' ').skip(1)).map(|set| set.split_once('=').unwrap());
    let run = |more: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seamline-server"));
        without_settings(&mut command)
            .arg("--print-config")
            .envs(variables.clone())
            .envs(more.iter().copied());
        let output = command.output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    };
    let (ok, text) = run(&[("SEAMLINE_TOKEN_SECRET", SECRET)]);
    assert!(ok && !text.contains("not a setting"), "{text}");
    for setting in ["listen = \"0.0.0.0:8080\"", "data = \"/data\"", "log-format = \"json\""] {
        assert!(text.contains(&format!("{setting} # SEAMLINE_")), "no {setting} in\n{text}");
    }
    let (ok, text) = run(&[]);
    assert!(!ok && text.contains("cannot listen on 0.0.0.0:8080 without tokens"), "{text}");
    let (ok, _) = run(&[("SEAMLINE_LISTEN", "127.0.0.1:8080")]);
    assert!(ok, "a variable overrides the image's");
}
