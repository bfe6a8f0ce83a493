const { connect } = require("seamline");
const { createTestServer } = require("seamline/testing");

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test("fake timers decide when a client reconnects", async () => {
  const server = createTestServer();
  const client = connect("ws://test/", { WebSocket: server.WebSocket });
  const seen = [];
  client.channel("room", { from: "start" }).on("message", ({ data }) => void seen.push(data));
  server.publish("room", "before");
  await client.ready();
  await jest.advanceTimersByTimeAsync(0); // Jest replaces `queueMicrotask`, too
  await server.settled();
  expect(seen).toEqual(["before"]);

  server.disconnect();
  server.publish("room", "away");
  await server.settled();
  expect(client.state.name).toBe("waiting");
  await jest.advanceTimersByTimeAsync(500); // the longest first delay
  await server.settled();
  expect(seen).toEqual(["before", "away"]);
  await client.close();
});
