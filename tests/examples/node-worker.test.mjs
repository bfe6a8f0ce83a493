import assert from "node:assert/strict";
import { test } from "node:test";
import { Example, newNode, temporary, until } from "./support.mjs";

const COUNT = 300;
const KILLS = 8;

test("a killed worker does everything once", async (t) => {
  await newNode();
  const DATABASE = `${temporary(t)}/orders.db`;
  const example = await Example.start(t, "node-worker", { COUNT, EVERY_MS: 5, DATABASE });
  const all = (pattern) => [...example.output.matchAll(pattern)].map(([, group]) => Number(group));
  const applied = () => all(/in all (\d+) orders/g).at(-1) ?? 0;
  const workers = () => all(/worker (\d+) started/g);

  for (let kills = 1; kills <= KILLS; kills++) {
    await until(() => applied() > kills * 10 && workers().length === kills);
    process.kill(workers().at(-1), "SIGKILL");
    await until(() => workers().length === kills + 1);
  }
  assert.ok(applied() < COUNT, "it was killed in the middle");

  await until(async () => (await example.log("orders")).length === COUNT && applied() >= COUNT);
  await until(() => example.output.endsWith("\n"));
  const cents = (await example.log("orders")).reduce((sum, { data }) => sum + data.cents, 0);
  const last = example.output.trim().split("\n").at(-1);
  assert.match(last, new RegExp(`^order ${COUNT}: .* in all ${COUNT} orders, ${cents} cents$`));
});
