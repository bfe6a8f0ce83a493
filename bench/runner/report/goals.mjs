// The goals: ratios of one run, and some numbers that need no other.

/** `a` and `b` are [part, measure, who, condition]. A goal is a limit for their ratio, or for `a` alone. */
const atMost = (text, limit, a, b) => ({ text, limit, a, b, isMost: true });
const atLeast = (text, limit, a, b) => ({ text, limit, a, b, isMost: false });

const replay = (who, rtt) => ["client", "replay, messages/s", who, `RTT ${rtt} ms`];
const live = (who) => ["client", "live, main thread µs/message", who, "100/s"];
const longest = ["client", "long replay, longest task, ms", "seamline on", "1,000,000 messages"];
const reconnect = ["recovery", "open to first message, round trips", "seamline", "RTT 50 ms"];
const cold = (who) => ["cold", "navigation to first message, ms", who, "RTT 40 ms"];
const latency = (who, rate) => ["latency", "publish to handler, p50, ms", who, `${rate}/s`];
const publish = (rtt) => ["publish", "publications/s", "seamline", `RTT ${rtt} ms`];
const queued = ["publish", "longest task with 100,000 queued, ms", "seamline", "RTT 0 ms"];
const delivery = (who) => ["server", "CPU per delivery, µs", who, "one a frame"];
const channels = (measure) => ["server", measure, "seamline", "100,000 channels"];
const idle = ["server", "memory of an idle connection, KB", "seamline", ""];
const append = (measure, who = "seamline") => ["server", measure, who, "one at a time"];
const swept = ["server", "append during a sweep, longest, ms", "seamline", "100,000 channels"];
const redis = (measure, count) => ["redis", measure, "seamline", `${count} channels`];
const redisCpu = (count) => redis("Redis: CPU per message, µs", count);

const OURS = "seamline on";
const FAT = "raw, 364 a frame";
const SINGLE = "raw, one a frame";
const DISK = "seamline, on disk";
const SYNCED = "NATS JetStream, synced";

const GOALS = [
  atLeast("Replay without delay, beside raw frames of 364", 0.9, replay(OURS, 0), replay(FAT, 0)),
  atLeast("Replay at 20 ms, beside raw frames of 364", 0.8, replay(OURS, 20), replay(FAT, 20)),
  atLeast("Replay at 100 ms, beside raw frames of 364", 0.8, replay(OURS, 100), replay(FAT, 100)),
  atLeast("Replay without delay, beside one raw message a frame", 14, replay(OURS, 0), replay(SINGLE, 0)),
  atLeast("Replay without delay, beside NATS JetStream", 4.5, replay(OURS, 0), replay("NATS JetStream", 0)),
  atMost("A replay of 1,000,000: the longest task, ms", 50, longest),
  atMost("A live message alone in its frame: main thread, beside raw", 1.3, live(OURS), live(SINGLE)),
  atMost("Reconnect: open socket to first message, in round trips", 1.1, reconnect),
  atMost("A cold page, beside socket.io", 1, cold("seamline"), cold("socket.io")),
  atMost("A cold page, beside centrifuge", 1, cold("seamline"), cold("centrifuge")),
  atMost("Latency at 100/s, beside NATS synced", 1, latency(DISK, 100), latency(SYNCED, 100)),
  atMost("Latency at 1,000/s, beside NATS synced", 1, latency(DISK, 1000), latency(SYNCED, 1000)),
  atLeast("Publications from a page per second", 5000, publish(0)),
  atLeast("Publications at 50 ms, beside no delay", 0.9, publish(50), publish(0)),
  atMost("With 100,000 publications queued: the longest task, ms", 50, queued),
  atMost("CPU per delivery at one a frame, beside ws on Node", 0.85, delivery("seamline"), delivery("ws on Node")),
  atMost("Memory of an idle connection, KB", 5, idle),
  atMost("Memory of a followed channel, KB", 2, channels("memory of a followed channel, KB")),
  atMost("Memory of 100,000 followed channels, MB", 500, channels("memory of all, MB")),
  atMost("Time to subscribe to 100,000 channels, s", 5, channels("time to subscribe to all, s")),
  atMost("Written for a lone append, KB", 8, append("KB written to the disk per append")),
  atLeast(
    "Lone appends, beside the disk",
    0.67,
    append("durable appends/s"),
    append("durable appends/s", "the disk alone"),
  ),
  atMost("Longest append while 100,000 channels are swept, ms", 10, swept),
  atMost("Redis: CPU per message with 10,000 channels, beside 1", 1.5, redisCpu("10,000"), redisCpu("1")),
  atMost("Redis: time to subscribe to 100,000 channels, s", 5, redis("time to subscribe to all, s", "100,000")),
];

/** How much faster the upper bound of a replay is than the others, whatever a client does: the ratio for each. */
export function upperBound(samples) {
  const speed = (who) => samples.get(...replay(who, 0))?.median;
  const others = { "one raw message a frame": SINGLE, "NATS JetStream": "NATS JetStream" };
  const ratios = Object.entries(others).map(([name, who]) => ({ name, ratio: speed(FAT) / speed(who) }));
  return ratios.filter(({ ratio }) => ratio > 0); // what was not measured has none
}

/** A row for each goal that the samples can decide. */
export function decided(samples) {
  return GOALS.flatMap(({ text, limit, a, b, isMost }) => {
    const ours = samples.get(...a)?.median;
    const theirs = b ? samples.get(...b)?.median : 1;
    if (ours === undefined || theirs === undefined) return [];
    const value = ours / theirs;
    const bound = `${isMost ? "≤" : "≥"} ${limit.toLocaleString("en-US")}`;
    return [{ text, bound, value, isReached: isMost ? value <= limit : value >= limit }];
  });
}
