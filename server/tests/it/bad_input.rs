//! What a client may do wrong, and how it is answered. Nothing here stops the server: every case ends with another
//! client being served.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, Got, Server};

/// After `hello`: the frame, the op of the answer, its code, and a word of its message.
/// Then the connection closes with 4400, if `closes`.
#[tokio::test]
async fn malformed_frames_are_answered() {
    let long = "x".repeat(201);
    let named =
        |op: &str, ch: &str| json!({"op": op, "ch": ch, "credit": 1, "key": "k", "data": 1}).to_string();
    let keyed = |key: &str| json!({"op": "pub", "ch": "c", "key": key, "data": 1}).to_string();
    let table = [
        // frame, op, code, word, closes
        ("nonsense".to_string(), "err", "bad_frame", "not a frame", true),
        (String::new(), "err", "bad_frame", "not a frame", true),
        ("[1,2]".into(), "err", "bad_frame", "not a frame", true),
        ("{}".into(), "err", "bad_frame", "`op`", true),
        (r#"{"op":"sub","ch":"c"}"#.into(), "err", "bad_frame", "`credit`", true),
        (r#"{"op":"sub","credit":1}"#.into(), "err", "bad_frame", "`ch`", true),
        (
            r#"{"op":"sub","ch":"c","credit":-1}"#.into(),
            "err",
            "bad_frame",
            "wrong type, at line 1 column",
            true,
        ),
        (r#"{"op":"pub","ch":"c","key":"k"}"#.into(), "err", "bad_frame", "`data`", true),
        (r#"{"op":"ack","ch":"c","epoch":"e"}"#.into(), "err", "bad_frame", "`offset`", true),
        (r#"{"op":"hello","v":1,"client_id":"again"}"#.into(), "err", "bad_frame", "already", true),
        (r#"{"op":"levitate","ch":7}"#.into(), "err", "unknown_op", "levitate", false),
        (named("sub", ""), "err", "bad_channel", "200 bytes", false),
        (named("sub", &long), "err", "bad_channel", "200 bytes", false),
        (named("sub", "a\u{7}b"), "err", "bad_channel", "control", false),
        (named("sub", " a"), "err", "bad_channel", "no space at either end", false),
        (named("cast", "a\n"), "err", "bad_channel", "control", false),
        (named("pub", "a "), "pubnack", "bad_channel", "no space at either end", false),
        (keyed(""), "pubnack", "bad_key", "200 bytes", false),
        (keyed(&long), "pubnack", "bad_key", "200 bytes", false),
    ];
    let server = Server::start(&[]);
    for (frame, op, code, word, closes) in table {
        let mut client = Client::greeted(&server, "clumsy").await;
        client.send_text(frame.clone()).await;
        let answer = client.next_op(op).await;
        assert_eq!(answer["code"], code, "{frame}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(word), "{frame}: {answer}");
        if closes {
            assert_eq!(client.closed().await.0, 4400, "{frame}");
        } else {
            client.round_trip().await;
        }
    }
}

#[tokio::test]
async fn the_first_frame_must_be_a_valid_hello() {
    let table = [
        (json!({"op": "ping"}), "bad_frame", "hello"),
        (json!({"op": "levitate"}), "bad_frame", "hello"),
        (json!({"op": "hello", "client_id": "c"}), "bad_frame", "`v`"),
        (json!({"op": "hello", "v": 1}), "bad_frame", "`client_id`"),
        (json!({"op": "hello", "v": 1, "client_id": ""}), "bad_frame", "client_id"),
        (json!({"op": "hello", "v": 2, "client_id": "c"}), "bad_version", "version 1"),
    ];
    let server = Server::start(&[]);
    for (frame, code, word) in table {
        let mut client = Client::connect(&server).await;
        client.send(frame.clone()).await;
        let answer = client.next_op("err").await;
        assert_eq!(answer["code"], code, "{frame}: {answer}");
        let (close, reason) = client.closed().await;
        assert_eq!(close, 4400, "{frame}");
        assert!(reason.contains(word), "{frame}: {reason}");
    }
}

#[tokio::test]
async fn a_socket_without_hello_is_closed() {
    let server = Server::start(&["--hello-timeout-ms", "200"]);
    let (code, reason) = Client::connect(&server).await.closed().await;
    assert_eq!((code, reason.as_str()), (4408, "no `hello` within 200ms"));
}

#[tokio::test]
async fn binary_frames_close_the_connection() {
    let server = Server::start(&[]);
    let mut client = Client::greeted(&server, "c").await;
    client.send_binary(b"{}".to_vec()).await;
    assert_eq!(client.closed().await.0, 4400);
}

/// A frame that is too large is refused by its header: the client sees the close although it is
/// still sending, and the server never has the frame in memory.
#[tokio::test]
async fn an_oversized_frame_closes_with_1009() {
    let server = Server::start(&[]);
    for bytes in [262_145, 10_000_000, 60_000_000] {
        let mut client = Client::greeted(&server, "c").await;
        let _ = client.try_send_text("x".repeat(bytes)).await; // it may be closed already
        let (code, reason) = client.closed().await;
        assert_eq!((code, reason.as_str()), (1009, "the frame is too large; the limit is 262144 bytes"));
    }
    let peak_kb = server.memory_kb("VmHWM");
    assert!(peak_kb < 60_000, "{peak_kb} kB");
}

/// The largest frame that is allowed: the other side of the limit.
#[tokio::test]
async fn a_frame_at_the_limit_is_accepted() {
    let server = Server::start(&[]);
    let mut client = Client::greeted(&server, "c").await;
    let frame = |data: &str| json!({"op": "pub", "ch": "c", "key": "k", "data": data}).to_string();
    let rest = 262_144 - frame("").len();
    client.send_text(frame(&"x".repeat(rest))).await;
    assert_eq!(client.next_op("puback").await["offset"], 1);
    client.sub("c", 10, json!({"from": "start"})).await;
    client.next_op("subd").await;
    let page = client.next_op("msgs").await;
    assert_eq!(page["data"][0].as_str().unwrap().len(), rest);
}

#[tokio::test]
async fn the_client_must_ask_for_the_subprotocol() {
    let server = Server::start(&[]);
    for protocols in [None, Some("mqtt"), Some("seamline.v2, mqtt")] {
        let Err((status, text)) = Client::try_connect(&server, protocols).await else {
            panic!("{protocols:?} was accepted");
        };
        assert_eq!(status, 400, "{protocols:?}");
        assert!(text.contains("seamline.v1"), "{text}");
    }
    assert!(Client::try_connect(&server, Some("mqtt, seamline.v1")).await.is_ok());
}

#[tokio::test]
async fn a_socket_has_a_maximum_of_channels() {
    let server = Server::start(&["--max-channels", "2"]);
    let mut client = Client::greeted(&server, "c").await;
    for ch in ["a", "b", "a"] {
        client.sub(ch, 1, json!({"from": "tail"})).await;
        client.next_op("subd").await;
        client.next_op("live").await;
    }
    client.sub("c", 1, json!({"from": "tail"})).await;
    let answer = client.next_op("err").await;
    assert_eq!((&answer["code"], &answer["ch"]), (&json!("too_many_channels"), &json!("c")));
    client.send(json!({"op": "unsub", "ch": "a"})).await;
    client.sub("c", 1, json!({"from": "tail"})).await;
    client.next_op("subd").await;
}

/// Random bytes, truncated frames, fields of every wrong type: the server keeps running.
#[tokio::test]
async fn no_input_stops_the_server() {
    let server = Server::start(&[]);
    let values = [json!(null), json!(-1), json!(1e300), json!("x"), json!([]), json!({}), json!(true)];
    let fields = [
        "v",
        "client_id",
        "token",
        "ch",
        "position",
        "from",
        "credit",
        "ahead",
        "ahead_bytes",
        "key",
        "data",
        "epoch",
        "offset",
        "id",
    ];
    let ops = ["hello", "sub", "more", "unsub", "pub", "cast", "ack", "token", "ping"];
    for (i, op) in ops.iter().enumerate() {
        for value in &values {
            let mut frame: Value = fields
                .iter()
                .map(|f| (f.to_string(), value.clone()))
                .collect::<serde_json::Map<_, _>>()
                .into();
            frame["op"] = json!(op);
            let text = frame.to_string();
            let half = text.chars().take(text.len() / 2).collect::<String>();
            for text in [text, half, "[".repeat(10_000 + i)] {
                let mut client = Client::greeted(&server, "fuzz").await;
                client.send_text(text).await;
                while let Some(Got::Frame(_)) = client.got_within(Duration::from_millis(5)).await {}
            }
        }
    }
    let mut client = Client::greeted(&server, "after").await;
    client.round_trip().await;
}
