import { connect } from "seamline";
import { createTestServer } from "seamline/testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("fake timers decide when a client reconnects", async () => {
  const server = createTestServer();
  const client = connect("ws://test/", { WebSocket: server.WebSocket });
  const seen = [];
  client.channel("room", { from: "start" }).on("message", ({ data }) => void seen.push(data));
  server.publish("room", "before");
  await client.ready();
  await server.settled();
  expect(seen).toEqual(["before"]);

  server.disconnect();
  server.publish("room", "away");
  await server.settled();
  expect(client.state.name).toBe("waiting");
  await vi.advanceTimersByTimeAsync(500); // the longest first delay
  await server.settled();
  expect(seen).toEqual(["before", "away"]);
  await client.close();
});
