//! Prints the messages of a channel, one per line, and follows it, like `tail -f`:
//!
//! ```sh
//! cargo run --example tail --features native -- ws://127.0.0.1:8080/ws room-1 --from start
//! ```
//!
//! Payloads go to standard output, as JSON; what happens to the connection goes to standard error. The exit code is 0
//! if the reader of the output has gone, 1 if the client cannot continue, and 2 if the arguments are invalid.

use std::io::{self, Write};
use std::process::ExitCode;

use futures::StreamExt;
use seamline::wire::MessageId;
use seamline::{Client, Error, Item, StartFrom, State};

const USAGE: &str = "Usage: tail URL CHANNEL [--from start|tail|ID] [--token TOKEN]

  URL      the server, such as ws://127.0.0.1:8080/ws
  CHANNEL  the name of a channel
  --from   start: with the oldest message that the log has; tail: only new messages (default);
           an id, such as 1795556137576-0: with the message after that one
  --token  a token, if the server requires one";

/// Why the program ends.
enum End {
    Usage(String),
    Failed(String),
    OutputClosed,
}

/// Where to begin.
#[derive(Clone, Copy)]
enum From {
    Start,
    Tail,
    AfterId(MessageId),
}

struct Args {
    url: String,
    channel: String,
    from: From,
    token: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let end = match parse(args) {
        Ok(args) => follow(args).await,
        Err(message) => End::Usage(message),
    };
    match end {
        End::Usage(message) => {
            eprintln!("error: {message}\n\n{USAGE}");
            ExitCode::from(2)
        }
        End::Failed(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
        End::OutputClosed => ExitCode::SUCCESS,
    }
}

fn parse(args: Vec<String>) -> Result<Args, String> {
    let (mut names, mut from, mut token) = (Vec::new(), From::Tail, None);
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--from" => from = start_point(&value()?)?,
            "--token" => token = Some(value()?),
            option if option.starts_with('-') => return Err(format!("unknown option {option}")),
            _ => names.push(arg),
        }
    }
    match <[String; 2]>::try_from(names) {
        Ok([url, channel]) => Ok(Args { url, channel, from, token }),
        Err(names) => Err(format!("2 arguments are needed, URL and CHANNEL, not {}", names.len())),
    }
}

fn start_point(text: &str) -> Result<From, String> {
    match text {
        "start" => Ok(From::Start),
        "tail" => Ok(From::Tail),
        id => id.parse().map(From::AfterId).map_err(|error| {
            format!("cannot begin at {id}: it is neither start, tail nor a message id; {error}")
        }),
    }
}

/// Prints until the output or the client ends.
async fn follow(args: Args) -> End {
    match connect(args).await {
        Ok(end) => end,
        // The URL or the channel's name is invalid.
        Err(error) => End::Usage(error.to_string()),
    }
}

async fn connect(Args { url, channel, from, token }: Args) -> Result<End, Error> {
    let mut builder = Client::builder(&url);
    if let Some(token) = token {
        builder = builder.token(move |_| {
            let token = token.clone();
            async move { Ok::<_, Error>(token) }
        });
    }
    let client = builder.connect()?;
    let begin = if matches!(from, From::Tail) { StartFrom::Tail } else { StartFrom::Start };
    let mut messages = client.channel(&channel, begin)?;
    let mut states = client.states();
    loop {
        tokio::select! {
            Some(state) = states.next() => if let State::Waiting { retry_in_ms, reason, .. } = state {
                eprintln!("{}; retrying in {retry_in_ms} ms", reason.message);
            },
            item = messages.next() => if let Err(end) = show(item, from) {
                return Ok(end);
            },
        }
    }
}

/// Prints an item, or returns why the program ends.
fn show(item: Option<Item>, from: From) -> Result<(), End> {
    match item {
        Some(Item::Message(message)) if is_wanted(&message.id, from) => print(message.raw())?,
        Some(Item::Gap(gap)) => eprintln!("messages are missing: {gap}"),
        Some(Item::Error(error)) => eprintln!("{error}"),
        Some(Item::Closed(reason)) => return Err(End::Failed(reason.message)),
        Some(_) => {}
        None => return Err(End::Failed("the client is closed".to_owned())),
    }
    Ok(())
}

fn is_wanted(id: &str, from: From) -> bool {
    match (from, id.parse::<MessageId>()) {
        (From::AfterId(last), Ok(id)) => id > last,
        _ => true,
    }
}

fn print(json: &str) -> Result<(), End> {
    writeln!(io::stdout(), "{json}").map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => End::OutputClosed,
        _ => End::Failed(format!("cannot write the output: {error}")),
    })
}
