// The goals, as ratios of one run.

/** `a` and `b` are [measure, who, condition]; the goal is that their ratio is at most, or at least, `limit`. */
const atMost = (text, part, a, b, limit) => ({ text, part, a, b, limit, reached: (value) => value <= limit });
const atLeast = (text, part, a, b, limit) => ({ text, part, a, b, limit, reached: (value) => value >= limit });

const replay = (who, rtt) => ["replay, messages/s", who, `RTT ${rtt} ms`];
const cold = (who) => ["navigation to first message, ms", who, "RTT 40 ms"];
const latency = (who, rate) => ["publish to handler, p50, ms", who, `${rate}/s`];
const publish = (rtt) => ["publications/s", "seamline", `RTT ${rtt} ms`];
const live = (who) => ["live, main thread µs/message", who, "100/s"];
const delivery = (who) => ["CPU per delivery, µs", who, "one a frame"];
const FAT = "raw, 364 a frame";
const SYNCED = "NATS JetStream, synced";

/** Without `b`, the number itself counts. */
export const GOALS = [
  atLeast("Replay beside raw frames of 364, no delay", "client", replay("seamline on", 0), replay(FAT, 0), 0.9),
  atLeast("Replay beside raw frames of 364, 20 ms", "client", replay("seamline on", 20), replay(FAT, 20), 0.8),
  atLeast("Replay beside raw frames of 364, 100 ms", "client", replay("seamline on", 100), replay(FAT, 100), 0.8),
  atLeast(
    "Replay beside one raw message a frame",
    "client",
    replay("seamline on", 0),
    replay("raw, one a frame", 0),
    14,
  ),
  atLeast("Replay beside NATS JetStream", "client", replay("seamline on", 0), replay("NATS JetStream", 0), 4.5),
  atMost("A live message beside a raw one", "client", live("seamline on"), live("raw, one a frame"), 1.3),
  atMost(
    "Reconnect: round trips to the first message",
    "recovery",
    ["open to first message, round trips", "seamline", "RTT 50 ms"],
    undefined,
    1.1,
  ),
  atMost("Cold page beside socket.io", "cold", cold("seamline"), cold("socket.io"), 1),
  atMost("Cold page beside centrifuge", "cold", cold("seamline"), cold("centrifuge"), 1),
  atMost("Latency at 100/s beside NATS synced", "latency", latency("seamline, on disk", 100), latency(SYNCED, 100), 1),
  atMost(
    "Latency at 1,000/s beside NATS synced",
    "latency",
    latency("seamline, on disk", 1000),
    latency(SYNCED, 1000),
    1,
  ),
  atLeast("Publications per second, no delay", "publish", publish(0), undefined, 5000),
  atLeast("Publications at 50 ms beside none", "publish", publish(50), publish(0), 0.9),
  atMost(
    "With 100,000 queued: longest task, ms",
    "publish",
    ["longest task with 100,000 queued, ms", "seamline", "RTT 0 ms"],
    undefined,
    50,
  ),
  atMost(
    "A replay of 1,000,000: longest task, ms",
    "client",
    ["long replay, longest task, ms", "seamline on", "1,000,000 messages"],
    undefined,
    50,
  ),
  atMost("CPU per delivery beside ws on Node", "server", delivery("seamline"), delivery("ws on Node"), 0.85),
  atMost(
    "Memory of a followed channel, KB",
    "server",
    ["memory of a followed channel, KB", "seamline", "100,000 channels"],
    undefined,
    2,
  ),
  atMost(
    "Memory of an idle connection, KB",
    "server",
    ["memory of an idle connection, KB", "seamline", ""],
    undefined,
    5,
  ),
  atMost(
    "Written per durable append, KB",
    "server",
    ["KB written to the disk per append", "seamline", "one at a time"],
    undefined,
    8,
  ),
  atMost(
    "Redis: CPU per message, 10,000 channels beside 1",
    "server",
    ["Redis: CPU per message, µs", "seamline", "10,000 channels"],
    ["Redis: CPU per message, µs", "seamline", "1 channels"],
    1.5,
  ),
];

/** A row for each goal that the samples can decide. */
export function decided(samples) {
  return GOALS.flatMap(({ text, part, a, b, limit, reached }) => {
    const ours = samples.get(part, ...a)?.median;
    const theirs = b ? samples.get(part, ...b)?.median : 1;
    if (ours === undefined || theirs === undefined) return [];
    const bound = reached(Number.POSITIVE_INFINITY) ? "≥" : "≤";
    return [{ text, bound: `${bound} ${limit}`, value: ours / theirs, isReached: reached(ours / theirs) }];
  });
}
