// Counts instructions with callgrind, and compares them with those in bench/instructions.json. Other work on the machine
// does not change them, so a small regression shows.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Child } from "./support/children.mjs";
import { SeamlineServer } from "./support/seamline.mjs";

const { WebSocket } = createRequire(new URL("../../js/package.json", import.meta.url))("ws");

const FILE = fileURLToPath(new URL("../instructions.json", import.meta.url));
/** The core's counts are exact. A server has timers and threads, so a few differ from run to run. */
const [EXACT, ROUGH] = [0.01, 0.03];

const path = { type: "string" };
const { values: options } = parseArgs({ options: { core: path, server: path, write: { type: "boolean" } } });

let runs = 0;

/** The arguments for valgrind, and the file in which it reports. */
function valgrind() {
  const log = join(tmpdir(), `seamline-callgrind-${process.pid}-${++runs}`);
  return { log, args: ["--tool=callgrind", "--callgrind-out-file=/dev/null", `--log-file=${log}`] };
}

function collected(log) {
  const [, count] = /Collected : (\d+)/.exec(readFileSync(log, "utf8")) ?? [];
  rmSync(log);
  if (!count) throw new Error("valgrind has counted nothing");
  return Number(count);
}

async function core(what, times) {
  const { log, args } = valgrind();
  await new Child("valgrind", [...args, options.core, what, `${times}`]).finish();
  return collected(log);
}

async function server(logs, work) {
  const { log, args } = valgrind();
  const server = await SeamlineServer.start(options.server, logs, [], ["valgrind", ...args]);
  await work(server);
  await server.end();
  return collected(log);
}

/** Reads a channel from its start to its end. */
function replay({ port }, channel) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, "seamline.v1", { perMessageDeflate: false });
  socket.once("open", () => {
    socket.send('{"op":"hello","v":1,"client_id":"reader"}');
    socket.send(JSON.stringify({ op: "sub", ch: channel, from: "start", credit: 1_000_000 }));
  });
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on(
      "message",
      (frame) => frame.length < 1000 && frame.includes('"op":"live"') && resolve(socket.terminate()),
    );
  });
}

/** Each has a channel of its own: the server may keep what it has read. */
const LOGS = { "replay-1": 10_000, "replay-2": 10_000, "replay-3": 10_000 };
const replays = (times) => async (server) => {
  for (const channel of Object.keys(LOGS).slice(0, times)) await replay(server, channel);
};

const publish = (times) => async (server) => {
  for (let n = 1; n <= times; n++) await server.publish("append", n, 1);
};

/** By name: how often it is repeated in the shorter and the longer run, how it is run, and how exact that is. */
const CASES = {
  "seam: classify a frame": [[10_000, 20_000], (times) => core("classify", times), EXACT],
  "Session::handle_messages, one live message": [[2000, 4000], (times) => core("live-frame", times), EXACT],
  "Session::handle_messages, 364 messages": [[2000, 4000], (times) => core("fat-frame", times), EXACT],
  "server: 10,000 messages of a replay": [[1, 3], (times) => server(LOGS, replays(times)), ROUGH],
  "server: a lone append": [[100, 300], (times) => server({}, publish(times)), ROUGH],
};

const known = JSON.parse(readFileSync(FILE, "utf8"));
const counted = {};
let worse = 0;
console.log(`${"instructions".padEnd(46)} ${"stored".padStart(10)} ${"now".padStart(10)}   change`);
for (const [name, [[few, many], run, tolerance]] of Object.entries(CASES)) {
  const now = Math.round(((await run(many)) - (await run(few))) / (many - few));
  counted[name] = now;
  const change = known[name] ? now / known[name] - 1 : 0;
  const isWorse = change > tolerance;
  worse += isWorse;
  const shown = `${(100 * change).toFixed(1)} %${isWorse ? ` WORSE (more than ${100 * tolerance} %)` : ""}`;
  console.log(`${name.padEnd(46)} ${String(known[name] ?? "–").padStart(10)} ${String(now).padStart(10)}   ${shown}`);
}
if (options.write) {
  writeFileSync(FILE, `${JSON.stringify(counted, null, 2)}\n`);
  console.log("bench/instructions.json is written");
} else if (worse > 0) {
  console.log("If that is what a change costs, store the new numbers with --write.");
  process.exitCode = 1;
}
