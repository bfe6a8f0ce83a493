//! The libraries that the package is compared with.

/// A library, and the smallest use of it that connects and receives messages.
pub struct Peer {
    /// As it is called in the page.
    pub name: &'static str,
    /// Its npm packages. The version of the first one is printed.
    pub packages: &'static [&'static str],
    /// The script that is bundled.
    pub script: &'static str,
    /// What Seamline has and this does not, in one sentence of the page.
    pub lacks: &'static str,
}

/// Seamline's own rows. They are bundled from the packed tarball, in the same way.
pub const OURS: [Peer; 2] = [
    Peer {
        name: "seamline",
        packages: &["seamline"],
        script: r#"
import { connect } from "seamline";
connect("wss://example.org/ws").channel("room").on("message", console.log);
"#,
        lacks: "fallback transports, presence, request and reply, binary payloads; a hosted service",
    },
    Peer {
        name: "seamline and seamline/react",
        packages: &["seamline"],
        script: r#"
import { connect } from "seamline";
import { SeamlineProvider, useMessages } from "seamline/react";
console.log(connect("wss://example.org/ws"), SeamlineProvider, useMessages);
"#,
        lacks: "as seamline; React itself is not counted",
    },
];

/// The others, by their size when this was written.
pub const PEERS: [Peer; 12] = [
    Peer {
        name: "partysocket",
        packages: &["partysocket"],
        script: r#"
import { WebSocket } from "partysocket";
new WebSocket("wss://example.org/ws").onmessage = console.log;
"#,
        lacks: "channels, replay, acknowledged publications: it reconnects",
    },
    Peer {
        name: "phoenix",
        packages: &["phoenix"],
        script: r#"
import { Socket } from "phoenix";
const socket = new Socket("wss://example.org/ws");
socket.connect();
socket.channel("room").join();
"#,
        lacks: "replay, gaps: after a reconnect it joins again, and the application fetches what it missed",
    },
    Peer {
        name: "socket.io-client",
        packages: &["socket.io-client"],
        script: r#"
import { io } from "socket.io-client";
io("wss://example.org").on("message", console.log);
"#,
        lacks: "replay after a reload or beyond the server's recovery window; gaps",
    },
    Peer {
        name: "@microsoft/signalr",
        packages: &["@microsoft/signalr"],
        script: r#"
import { HubConnectionBuilder } from "@microsoft/signalr";
const builder = new HubConnectionBuilder().withUrl("https://example.org/hub");
builder.withAutomaticReconnect().build().start();
"#,
        lacks: "replay from a log: a stateful reconnect resends what both ends have buffered; gaps",
    },
    Peer {
        name: "@supabase/realtime-js",
        packages: &["@supabase/realtime-js"],
        script: r#"
import { RealtimeClient } from "@supabase/realtime-js";
const client = new RealtimeClient("wss://example.org", { params: { apikey: "key" } });
client.channel("room").subscribe();
"#,
        lacks: "positions that the client keeps: a replay of broadcasts is requested by time; gaps",
    },
    Peer {
        name: "pusher-js",
        packages: &["pusher-js"],
        script: r#"
import Pusher from "pusher-js";
new Pusher("key", { cluster: "eu" }).subscribe("room");
"#,
        lacks: "replay, gaps: a cache channel repeats its last event",
    },
    Peer {
        name: "centrifuge",
        packages: &["centrifuge"],
        script: r#"
import { Centrifuge } from "centrifuge";
const client = new Centrifuge("wss://example.org/ws");
client.newSubscription("room").subscribe();
client.connect();
"#,
        lacks: "positions that outlast a reload by themselves, and publications with an idempotency key; it has recovery",
    },
    Peer {
        name: "ably/modular",
        packages: &["ably"],
        script: r#"
import { BaseRealtime, FetchRequest, WebSocketTransport } from "ably/modular";
const client = new BaseRealtime({ key: "key", plugins: { FetchRequest, WebSocketTransport } });
client.channels.get("room").subscribe(console.log);
"#,
        lacks: "a server of your own; replay after two minutes, unless the application reads the history",
    },
    Peer {
        name: "ably",
        packages: &["ably"],
        script: r#"
import { Realtime } from "ably";
new Realtime({ key: "key" }).channels.get("room").subscribe(console.log);
"#,
        lacks: "as ably/modular; it has presence, push notifications, REST and a binary protocol",
    },
    Peer {
        name: "@nats-io/nats-core",
        packages: &["@nats-io/nats-core"],
        script: r#"
import { wsconnect } from "@nats-io/nats-core";
const c = await wsconnect({ servers: "wss://example.org" });
c.subscribe("room");
"#,
        lacks: "replay, gaps: without JetStream, messages are delivered at most once",
    },
    Peer {
        name: "@nats-io/nats-core and @nats-io/jetstream",
        packages: &["@nats-io/jetstream", "@nats-io/nats-core"],
        script: r#"
import { wsconnect } from "@nats-io/nats-core";
import { jetstream } from "@nats-io/jetstream";
const c = await wsconnect({ servers: "wss://example.org" });
const consumer = await jetstream(c).consumers.get("room");
await consumer.consume();
"#,
        lacks: "reaction to the page's lifecycle; it has replay from a log",
    },
    Peer {
        name: "mqtt",
        packages: &["mqtt"],
        script: r#"
import mqtt from "mqtt";
mqtt.connect("wss://example.org").subscribe("room");
"#,
        lacks: "replay from a position, gaps: a broker keeps a session's unanswered messages",
    },
];
