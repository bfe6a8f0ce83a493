//! Nothing that comes in is ever decompressed: compression is not negotiated, a frame that claims to be compressed is
//! refused, and so is a body. So a few bytes cannot become many ("decompression bomb").

use serde_json::json;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::{Client, Server, request};

#[tokio::test]
async fn compression_is_not_negotiated() {
    let server = Server::start(&[]);
    for offer in ["permessage-deflate", "permessage-deflate; client_max_window_bits, x-webkit-deflate-frame"]
    {
        let mut request = format!("ws://{}/ws", server.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "seamline.v1".parse().unwrap());
        request.headers_mut().insert("sec-websocket-extensions", offer.parse().unwrap());
        let (_, response) = connect_async(request).await.unwrap();
        assert_eq!(response.headers().get("sec-websocket-extensions"), None, "{offer}");
    }
}

/// The first two bytes of a frame, and what it is. Then a mask of zeros, and five bytes.
#[tokio::test]
async fn a_frame_with_extension_bits_is_refused() {
    let table = [
        ([0xC1, 0x85], "Reserved bits"), // RSV1, the mark of permessage-deflate
        ([0xA1, 0x85], "Reserved bits"),
        ([0x91, 0x85], "Reserved bits"),
        ([0x41, 0x85], "Reserved bits"), // in pieces
        ([0x83, 0x85], "opcode"),
        ([0x8B, 0x85], "opcode"),
        ([0x09, 0x85], "control frame"), // a ping in pieces
        ([0x80, 0x85], "continue"),
        ([0x81, 0x05], "unmasked"),
    ];
    let server = Server::start(&[]);
    for (head, word) in table {
        let mut client = Client::greeted(&server, "c").await;
        client.send_raw(&head).await;
        client.send_raw(b"\0\0\0\0hello").await;
        let (code, reason) = client.closed().await;
        assert_eq!(code, 4400, "{head:x?}");
        assert!(reason.to_lowercase().contains(&word.to_lowercase()), "{head:x?}: {reason}");
    }
    Client::greeted(&server, "after").await.round_trip().await;
}

#[tokio::test]
async fn a_compressed_frame_is_not_decompressed() {
    let server = Server::start(&[]);
    let before_kb = server.memory_kb("VmHWM");
    let mut client = Client::greeted(&server, "c").await;
    let bomb = bomb(200_000);
    let mut frame = vec![0xC1, 0xFF];
    frame.extend((bomb.len() as u64).to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(bomb);
    client.send_raw(&frame).await;
    assert_eq!(client.closed().await.0, 4400);
    let grown_kb = server.memory_kb("VmHWM").saturating_sub(before_kb);
    assert!(grown_kb < 10_000, "the server grew by {grown_kb} kB");
}

#[tokio::test]
async fn a_compressed_body_is_not_decompressed() {
    let server = Server::start(&[]);
    let url = || server.url("/channels/c/messages");
    for encoding in ["deflate", "gzip"] {
        let (status, answer) =
            request("POST", url(), &[("content-encoding", encoding)], &bomb(200_000)).await;
        assert_eq!((status, &answer["code"]), (400, &json!("bad_json")), "{encoding}");
    }
    assert_eq!(request("GET", url(), &[], b"").await.0, 404, "nothing is stored");
}

/// Raw deflate (RFC 1951, fixed codes) of about 20 bytes for every one of its own: the letter x, and "258 times the
/// byte before" again and again.
fn bomb(bytes: usize) -> Vec<u8> {
    let mut bits = vec![true, true, false]; // the last block; fixed codes
    let code = |bits: &mut Vec<bool>, value: u32, length: u32| {
        bits.extend((0..length).rev().map(|bit| value >> bit & 1 == 1));
    };
    code(&mut bits, 0x30 + u32::from(b'x'), 8);
    while bits.len() < bytes * 8 - 20 {
        code(&mut bits, 0b1100_0101, 8);
        code(&mut bits, 0, 5);
    }
    code(&mut bits, 0, 7);
    bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | u8::from(*bit))).collect()
}
