import { type Client, connect } from "seamline";
import { plain } from "seamline/plain";
import { state } from "seamline/state";
import { createTestServer } from "seamline/testing";

const { WebSocket } = createTestServer();
const client: Client = connect("ws://test/", { WebSocket, dialect: plain });
client.channel<string>("room", { from: state(() => "start") }).on("message", ({ data }) => data.length);
