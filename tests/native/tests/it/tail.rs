//! The example `tail`, as a user runs it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tokio::task::spawn_blocking;

use crate::server::Server;
use crate::support::*;

/// A run of the example. It is killed when this is dropped.
struct Tail(Child);

impl Drop for Tail {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Tail {
    fn start(args: &[&str]) -> Tail {
        let program =
            std::env::var_os("SEAMLINE_TAIL").expect("no example: run `cargo xtask test --only native`");
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Tail(command.spawn().unwrap())
    }

    /// The next lines of the output.
    async fn lines(&mut self, count: usize) -> Vec<String> {
        let output = BufReader::new(self.0.stdout.take().unwrap());
        spawn_blocking(move || output.lines().take(count).map(Result::unwrap).collect()).await.unwrap()
    }

    /// The exit code, and what it wrote to standard error.
    async fn end(mut self) -> (Option<i32>, String) {
        let (stdout, stderr) = (self.0.stdout.take(), self.0.stderr.take().unwrap());
        let ended = spawn_blocking(move || {
            let errors = std::io::read_to_string(stderr).unwrap();
            let status = self.0.wait().unwrap();
            drop(stdout);
            (status.code(), errors)
        });
        ended.await.unwrap()
    }
}

#[tokio::test]
async fn tail_prints_messages_and_follows() {
    let (room, client) = (name("room"), client());
    client.publish(&room, "first").await.unwrap();
    let second = client.publish(&room, &[1, 2]).await.unwrap();
    let mut all = Tail::start(&[&url(), &room, "--from", "start"]);
    let mut after = Tail::start(&[&url(), &room, "--from", &second.id.to_string()]);
    client.publish(&room, "third").await.unwrap();
    assert_eq!(all.lines(3).await, [r#""first""#, "[1,2]", r#""third""#]);
    assert_eq!(after.lines(1).await, [r#""third""#]);
}

#[tokio::test]
async fn tail_explains_invalid_arguments() {
    let url = url();
    let table: [(&[&str], &str); 6] = [
        (&[], "2 arguments are needed"),
        (&[&url, "room", "--from"], "--from needs a value"),
        (&[&url, "room", "--from", "yesterday"], "cannot begin at yesterday"),
        (&[&url, "room", "--quiet"], "unknown option --quiet"),
        (&["http://localhost/ws", "room"], "pass a ws:// or wss:// URL"),
        (&[&url, "two\nlines"], "channel"),
    ];
    for (args, message) in table {
        let (code, errors) = Tail::start(args).end().await;
        assert_eq!(code, Some(2), "{args:?}: {errors}");
        assert!(errors.starts_with("error: ") && errors.contains(message), "{args:?}: {errors}");
    }
}

#[tokio::test]
async fn tail_ends_when_it_cannot_continue() {
    let server = Server::start(&["--token-secret", SECRET]).await;
    let (code, errors) = Tail::start(&[&server.url(), "room"]).end().await;
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("token"), "{errors}");
}

#[tokio::test]
async fn tail_ends_with_the_reader_of_its_output() {
    let (room, client) = (name("room"), client());
    client.publish(&room, "first").await.unwrap();
    let mut tail = Tail::start(&[&url(), &room, "--from", "start"]);
    assert_eq!(tail.lines(1).await, [r#""first""#]); // then nobody reads any more
    client.publish(&room, "second").await.unwrap();
    let (code, errors) = tail.end().await;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
}
