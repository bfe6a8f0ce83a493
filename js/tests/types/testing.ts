// The tests of an application, as far as the compiler is concerned.

import { connect } from "seamline";
import { createTestServer, type StoredMessage, type TestServer, type TestUser } from "seamline/testing";

interface Chat {
  text: string;
}

const ada: TestUser = { user: "ada", read: ["room-*"], write: [] };
const server: TestServer = createTestServer({
  authenticate: (token) => token === "good" && ada,
  heartbeatMs: undefined,
});
export const client = connect("ws://test/", { WebSocket: server.WebSocket });

export const offset: number = server.publish("room", { text: "hi" }, { key: "k" }).offset;
export const messages: StoredMessage<Chat>[] = server.messages<Chat>("room");
export const allow: () => void = server.refuse("publish", { code: "too_fast", retryAfterMs: 100, times: 2 });
export const delivered: Promise<void> = server.settled();

// @ts-expect-error no such request
server.refuse("unsubscribe", { code: "forbidden" });
// @ts-expect-error `true` does not say who it is
createTestServer({ authenticate: () => true });
// @ts-expect-error made by `createTestServer`
server.WebSocket = WebSocket;
