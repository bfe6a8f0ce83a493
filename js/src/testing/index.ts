import { MemoryServer } from "./server.js";
import type { TestServer, TestServerOptions } from "./types.js";

export type {
  DisconnectOptions,
  RefusedRequest,
  StoredMessage,
  TestRefusal,
  TestServer,
  TestServerOptions,
  TestUser,
} from "./types.js";

/**
 * Creates an in-memory server for the tests of an application. It speaks `seamline.v1` to clients that use its class of
 * WebSockets:
 *
 * ```js
 * const server = createTestServer();
 * const client = connect("ws://test/", { WebSocket: server.WebSocket });
 * server.publish("room-1", { text: "hello" });
 * ```
 */
export function createTestServer(options: TestServerOptions = {}): TestServer {
  return new MemoryServer(options);
}
