// The server of `seamline/testing` answers as the reference server does.
import { createTestServer } from "../dist/testing.js";
import { conformance } from "./support/conformance.mjs";

conformance(async ({ tokens }) => {
  const authenticate = (token) => tokenOf(token) ?? false;
  const server = createTestServer({ maxFrameBytes: 4096, ...(tokens ? { authenticate } : {}) });
  return {
    WebSocket: server.WebSocket,
    url: "ws://test/",
    publish: async (ch, data) => server.publish(ch, data),
    trim: async (ch, upTo) => server.trim(ch, upTo),
    cut: async (clientId) => server.disconnect({ clientId }),
    drain: async () => server.drain(),
    token: (user, channels) => JSON.stringify({ user, ...channels }),
    stop: async () => {},
  };
});

function tokenOf(token) {
  try {
    return JSON.parse(token);
  } catch {
    return undefined;
  }
}
