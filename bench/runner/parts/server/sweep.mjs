// Appends while the server drops what is past its retention: how long the longest one takes. Each channel has messages,
// keys and a client's position, all of them years old, and the sweep begins with the first append.

const MESSAGES = 4;
/** Channels are created in another order than that of their names, as in life: their messages lie apart. */
const STRIDE = 7919;
const CONTESTANTS = [{ name: "seamline", kind: "seamline" }];
/** The server sweeps ten times in this time. */
const RETAIN_AGE = "5s";
/** So often is the last channel looked at. */
const LOOK_MS = 250;
const LIMIT_MS = 120_000;
/** Appends without a sweep, to compare. */
const CALM_MS = 2000;
/** A round takes a minute. */
const ROUNDS_MAX = 2;

export async function sweep(bench) {
  const counts = bench.quick ? [10_000] : [10_000, 100_000];
  const measure = (contestant, count) => measureOne(bench, contestant, count);
  await bench.rounds(bench.contestants(CONTESTANTS), counts, measure, ROUNDS_MAX);
}

async function measureOne(bench, contestant, count) {
  const name = (i) => `old-${String(i).padStart(6, "0")}`;
  const logs = Object.fromEntries(Array.from({ length: count }, (_, i) => [name((i * STRIDE) % count), MESSAGES]));
  const server = await bench.freshServer(contestant, logs, ["--retain-age", RETAIN_AGE], true);
  const at = `${count.toLocaleString("en-US")} channels`;
  const add = (measure, value) => bench.results.add(measure, contestant.name, at, value);
  const start = performance.now();
  const during = await appends(server, () => isSwept(server, name(count - 1)), LIMIT_MS);
  add("sweep, s", (performance.now() - start) / 1000);
  const calmUntil = performance.now() + CALM_MS;
  const calm = await appends(server, () => performance.now() > calmUntil, LIMIT_MS);
  await server.stop();
  const shares = { p50: 0.5, p99: 0.99, longest: 1 };
  for (const [share, value] of Object.entries(shares)) {
    add(`append during a sweep, ${share}, ms`, quantile(during, value));
    add(`append without a sweep, ${share}, ms`, quantile(calm, value));
  }
}

/** Publishes one message after another; returns how long each took, in order of the times. */
async function appends(server, isOver, limitMs) {
  const took = [];
  const start = performance.now();
  let looked = start;
  await server.publish("append", 0, 1); // connects
  for (let n = 1; ; n++) {
    const before = performance.now();
    await server.publish("append", n, 1);
    const after = performance.now();
    took.push(after - before);
    if (after - looked < LOOK_MS) continue;
    if (await isOver()) break;
    if (after - start > limitMs) throw new Error(`the sweep has not ended after ${limitMs} ms`);
    looked = performance.now();
  }
  return took.sort((a, b) => a - b);
}

/** Whether the last channel in the order of names, which is swept last, has no messages left. */
async function isSwept(server, name) {
  const response = await fetch(`http://127.0.0.1:${server.port}/channels/${name}/messages?limit=1`);
  const { first, head } = await response.json();
  return first > head;
}

const quantile = (sorted, share) => sorted[Math.floor((sorted.length - 1) * share)];
