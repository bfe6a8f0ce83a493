// seamline/solid.
import assert from "node:assert/strict";
import { test } from "node:test";
import { installPage, load } from "./support/frameworks.mjs";
import { connected, scenarios } from "./support/scenarios.mjs";
import { until } from "./support/server.mjs";

installPage();
const solid = await load("solid-app.mjs");
const server = await load("solid-app.mjs", { platform: "node" });

scenarios("Solid", solid.mount, server.renderToString);

test("Solid: listeners are removed with their owner", async (t) => {
  const { server, client } = connected(t);
  const casts = [];
  const unmount = solid.mountCasts(client, document.createElement("div"), (data) => casts.push(data));
  await until(() => server.ops("sub").length === 1);
  server.send({ op: "cast", ch: "c", data: "typing" });
  assert.deepEqual(casts, ["typing"]);
  unmount();
  await until(() => server.ops("unsub").length === 1);
});

test("Solid: mistakes are named", () => {
  const element = document.createElement("div");
  assert.throws(() => solid.mountWithout(element), /outside <SeamlineProvider client=\{client\}>/);
  assert.throws(() => solid.mountClient(element), /<SeamlineProvider> has no client/);
});
