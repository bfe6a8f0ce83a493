// A CommonJS module.
import seamline = require("seamline");
import testing = require("seamline/testing");

const { WebSocket } = testing.createTestServer();
const client: seamline.Client = seamline.connect("ws://test/", { WebSocket });
client.channel<string>("room").on("message", ({ data }: seamline.Message<string>) => data.length);
