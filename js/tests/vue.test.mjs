// seamline/vue.
import assert from "node:assert/strict";
import { test } from "node:test";
import { installPage, load } from "./support/frameworks.mjs";
import { connected, scenarios } from "./support/scenarios.mjs";
import { until } from "./support/server.mjs";

installPage();
const vue = await load("vue-app.mjs");
const onServer = await load("vue-app.mjs", { platform: "node" });

scenarios("Vue", vue.mount, (client) => onServer.renderToString(onServer.serverApp(client)));

test("Vue: a scope outside components follows until it ends", async (t) => {
  const { server, client } = connected(t);
  server.logs.set("c", ["a"]);
  const app = vue.createApp({});
  app.use(vue.seamline(client));
  const scope = vue.effectScope();
  const list = app.runWithContext(() => scope.run(() => vue.useMessages("c", { from: "start" })));
  const channel = app.runWithContext(() => scope.run(() => vue.useChannel("c")));
  const casts = [];
  channel.on("cast", (data) => casts.push(data));
  await until(() => list.messages.value.length === 1);
  server.send({ op: "cast", ch: "c", data: "typing" });
  assert.deepEqual(casts, ["typing"]);
  scope.stop();
  await until(() => server.ops("unsub").length === 1);
});

test("Vue: mistakes are named", () => {
  const app = vue.createApp({});
  assert.throws(() => app.runWithContext(() => vue.useConnectionState()), /without app\.use\(seamline\(client\)\)/);
  app.use(vue.seamline(undefined));
  assert.throws(() => app.runWithContext(() => vue.useClient()), /the app has no Seamline client/);
});
