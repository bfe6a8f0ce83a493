// Random handles of one channel, on the real wasm: each gets every message from its start point on, once and in order,
// or a gap, whatever the others, the connection and the log do. `HANDLES_SEED=7` runs one seed, `HANDLES_SEEDS=2000`
// more of them.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { LogServer, random } from "./support/log-server.mjs";
import { until } from "./support/server.mjs";

const wasm = new WebAssembly.Module(await readFile(new URL("../dist/seamline.wasm", import.meta.url)));
const { HANDLES_SEED, HANDLES_SEEDS = "60" } = process.env;
const STEPS = 40;

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A start point of any kind: in the past, the present and the future, in this log and in another one. */
function startPoint({ rng, epoch, head }) {
  switch (rng.below(6)) {
    case 0:
      return undefined;
    case 1:
      return "start";
    case 2:
      return "tail";
    case 3:
      return { epoch: "elsewhere", offset: rng.below(5) };
    default:
      return { epoch, offset: rng.below(head + 3) };
  }
}

/** A handle that notes what it gets: some wait in their listener, and some open another one in it. */
function open(world, depth = 0) {
  const { client, server, handles } = world;
  const { rng } = server;
  const from = startPoint(server);
  const channel = client.channel("c", from && { from });
  const handle = { channel, from, events: [], opened: server.firsts.length - 1 };
  const pace = rng.pick(["sync", "async", "opens"]);
  handle.note = (event) => {
    handle.events.push(event);
    if (pace === "opens" && depth < 2 && !world.isOver && rng.below(8) === 0) open(world, depth + 1);
    return pace === "async" ? turn() : undefined;
  };
  channel.on("gap", handle.note);
  if (rng.below(3) === 0) {
    channel.on("batch", async (messages) => {
      for (const message of messages) await handle.note(message);
    });
  } else channel.on("message", handle.note);
  handles.push(handle);
}

/** Checks what a handle got against its start point; returns the latest message of each offset in the last epoch. */
function check({ from, events, opened }, { firsts }) {
  let { epoch, offset } = typeof from === "object" ? from : {};
  let next = offset === undefined ? undefined : offset + 1;
  const seen = new Set();
  const latest = new Map();
  for (const [i, event] of events.entries()) {
    if (event.reason === "epoch_changed") {
      if (next !== undefined) assert.equal(event.from, next);
      epoch = next = undefined;
      latest.clear();
    } else if (event.reason === "rewound") {
      if (next !== undefined) assert.equal(event.to, next - 1);
      // It continues there, or after the gap if the log has grown beyond it again.
      next = events[i + 1]?.offset === event.to + 1 ? event.to + 1 : event.from;
      for (const offset of latest.keys()) if (offset >= event.from) latest.delete(offset);
    } else if (event.reason) {
      if (next !== undefined) assert.equal(event.from, next);
      next = event.to + 1;
    } else {
      const at = event.data.split("/")[0];
      const known = firsts.slice(opened).some(([name, first]) => name === at && first === event.offset);
      if (next === undefined && from === "start") assert.ok(known, `${event.offset} is not the start`);
      assert.equal(event.offset, next ?? event.offset);
      assert.equal(at, epoch ?? at);
      assert.ok(!seen.has(event.data), `${event.data} came twice`);
      seen.add(event.data);
      [epoch, next] = [at, event.offset + 1];
      latest.set(event.offset, event.data);
    }
  }
  return latest;
}

async function run(seed) {
  const rng = random(seed);
  const server = LogServer.install(rng);
  const client = connect("ws://example.org/ws", {
    wasm,
    logger: {},
    ackIntervalMs: 0,
    backoff: { initialMs: 1, maxMs: 1 },
    replayCredit: rng.pick([2, 5, 2000]),
    queueMessages: rng.pick([3, 10, 10_000]),
  });
  const world = { client, server, handles: [] };
  const { handles } = world;
  /** Waits until the server has answered every request, and all handles follow. */
  const calm = async () => {
    const deadline = Date.now() + 10_000;
    for (let quiet = 0; quiet < 10 && handles.some(({ isClosed }) => !isClosed); await turn()) {
      quiet = server.isLive ? quiet + 1 : 0;
      assert.ok(Date.now() < deadline, "the channel does not become live");
    }
  };
  const change = async (what) => {
    server.disconnect(what && (() => server[what]()));
    if (what) await calm(); // a log that fell back is noticed before it grows again; the protocol offers nothing else
  };
  for (let step = 0; step < STEPS; step++) {
    const what = rng.below(20);
    if (what < 9) server.publish();
    else if (what < 14) open(world);
    else if (what < 17) {
      const handle = handles.length > 0 && rng.pick(handles);
      if (handle) handle.isClosed = true;
      if (handle) handle.channel.close();
    } else await change(rng.pick([undefined, "replace", "rewind", "trim"]));
    for (let turns = rng.below(6); turns > 0; turns--) await turn();
  }
  world.isOver = true;
  await calm();
  server.publish();
  const last = server.messages.at(-1);
  const isDone = () =>
    handles.every(({ isClosed, events, channel }) => {
      return isClosed || (events.at(-1)?.data === last && channel.position.offset === server.head);
    });
  try {
    await until(isDone, { withinMs: 10_000 });
    for (const handle of handles) {
      const latest = check(handle, server);
      if (handle.isClosed) continue;
      for (const [offset, data] of latest) assert.equal(data, server.messages[offset - 1]);
    }
  } finally {
    await client.close();
  }
}

test("random handles get everything once, in order, or a gap", async () => {
  const seeds = HANDLES_SEED ? [Number(HANDLES_SEED)] : Array.from({ length: Number(HANDLES_SEEDS) }, (_, i) => i + 1);
  for (const seed of seeds) {
    await run(seed).catch((error) => {
      throw new Error(`HANDLES_SEED=${seed}: ${error.message}`, { cause: error });
    });
  }
});
