// The reference server answers as the server of `seamline/testing` does. No browser takes part; the name says that one
// run is enough.
import { createHmac } from "node:crypto";
import { WebSocket } from "ws";
import { conformance } from "../tests/support/conformance.mjs";
import { until } from "../tests/support/server.mjs";
import { publish } from "./support/publisher.mjs";
import { Server } from "./support/server.mjs";

const SECRET = "a secret of at least thirty-two bytes";

conformance(async ({ tokens, retain }) => {
  const server = new Server([
    "--demo",
    "--max-frame-bytes=4096",
    ...(tokens ? [`--token-secret=${SECRET}`] : []),
    ...(retain ? [`--retain-messages=${retain}`] : []),
  ]);
  await server.start();
  const headers = { Authorization: `Bearer ${token("publisher")}` };
  const log = async (ch) => (await fetch(`${server.url}/channels/${ch}/messages`, { headers })).json();
  let keys = 0;
  return {
    WebSocket,
    url: `ws://127.0.0.1:${server.port}/ws`,
    publish: (ch, data) => publish(() => server.url, ch, `key-${++keys}`, data, headers),
    trim: (ch, upTo) => until(async () => (await log(ch)).first === upTo + 1),
    cut: (clientId) => fetch(`${server.url}/debug/drop?client_id=${clientId}`, { method: "POST" }),
    drain: async () => server.signal("SIGTERM"),
    token,
    stop: () => server.stop(),
  };
});

/** A JSON Web Token (RFC 7519), signed with HS256. */
function token(sub, channels) {
  const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 600;
  const signed = `${base64({ alg: "HS256", typ: "JWT" })}.${base64({ sub, exp, channels })}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}
