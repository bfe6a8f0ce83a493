// What the page shows, in order: for each part its measures, what a number means, and which of them become charts.

/** `less` is better, or `more`. `chart` names its file in docs/images. */
const less = (measure, title, chart, hasOwnScales) => ({ measure, title, better: "less", chart, hasOwnScales });
const more = (measure, title, chart) => ({ measure, title, better: "more", chart });

export const SECTIONS = [
  {
    part: "client",
    title: "A replay into a page",
    text: `A page subscribes and receives up to 100,000 messages that the server has, for at most 2.5 s. The time is from the
first message to the last. A raw WebSocket with 364 messages in a frame is the upper bound: its server has the
frames ready in memory, and its page only parses JSON. The time of the main thread is processor time, so it does not
depend on what else the machine does.`,
    measures: [
      more("replay, messages/s", "Messages per second", "bench-replay"),
      less("replay, main thread µs/message", "Main thread, µs per message"),
      less("live, main thread µs/message", "A live message that is alone in its frame: main thread, µs", "bench-live"),
      less(
        "long replay, longest task, ms",
        "A long replay: the longest task of the main thread, ms; 0 if none is over 50 ms",
      ),
      less("long replay, wasm memory, MB", "A long replay: memory of the WebAssembly afterwards, MB"),
    ],
  },
  {
    part: "recovery",
    title: "A reconnect",
    text: `The connection is lost, and 10,000 messages are published before the page connects again. The time begins when the
new socket is open.`,
    measures: [
      less("open to first message, ms", "Open socket to first message, ms", "bench-recovery"),
      less("open to first message, round trips", "Open socket to first message, in round trips"),
      less("open to last of 10,000, ms", "Open socket to last message, ms"),
    ],
  },
  {
    part: "cold",
    title: "A page that was never loaded",
    text: `From the navigation to the first message, with empty caches, one HTML file and one bundled script. The page and the
server are behind links with the same round trip time.`,
    measures: [less("navigation to first message, ms", "Navigation to first message, ms", "bench-cold")],
  },
  {
    part: "latency",
    title: "From publishing to the handler",
    text: `A page follows a channel, and publishes to it at a steady rate. Seamline delivers a message only after it is on the
disk, and so does NATS JetStream with \`sync_interval: always\`. The others deliver it before, or never store it.`,
    measures: [
      less("publish to handler, p50, ms", "Median latency, ms", "bench-latency", true),
      less("publish to handler, p99, ms", "99th percentile, ms"),
    ],
  },
  {
    part: "publish",
    title: "Publishing from a page",
    text: `One page publishes 10,000 messages as fast as it can, for at most 4 s, and counts the answers. It gives up the main
thread every 5 ms.`,
    measures: [
      more("publications/s", "Answered publications per second", "bench-publish"),
      less("publication, main thread µs", "Main thread, µs per publication"),
      less(
        "longest task with 100,000 queued, ms",
        "With 100,000 queued: the longest task of the main thread, ms; 0 if none is over 50 ms",
      ),
    ],
  },
  {
    part: "server",
    title: "The server",
    text: `Processor time is the server's alone, of all its threads. A delivery is one message to one of 1,000 sockets.`,
    measures: [
      more("durable appends/s", "Publications one after the other, each stored durably, per second"),
      less("KB written to the disk per append", "Written to the disk for each of them, KB of 1,000 bytes"),
      less("calls of write per append", "Calls of `write` for each of them"),
      less(
        "append during a sweep, longest, ms",
        "Publications while the messages, keys and positions of many channels are dropped: the longest, ms",
      ),
      less("append during a sweep, p99, ms", "These publications, 99th percentile, ms"),
      less("append without a sweep, longest, ms", "The same after the sweep: the longest, ms"),
      less("CPU per delivery, µs", "Processor time per delivery, µs", "bench-delivery", true),
      more("messages a frame", "Messages in a frame at full load"),
      less("memory of an idle connection, KB", "Memory of an idle connection with one subscription, KB"),
      less("CPU of an idle connection, µs/s", "Processor time of an idle connection, µs per second"),
      less(
        "memory of a followed channel, KB",
        "Memory of a channel with one subscriber, KB; on 1,000 sockets",
        "bench-channels",
      ),
      less("memory of all, MB", "Memory of all these channels, MB"),
      less("time to subscribe to all, s", "Time until all are subscribed, s"),
      less("memory after replays of 100,000, MB", "Memory after 20 clients have replayed 100,000 messages each, MB"),
      less("memory before them, MB", "Memory before that, MB"),
    ],
  },
  {
    part: "redis",
    title: "The Redis log with many channels",
    text: `One server follows the channels for 1,000 sockets, and 100 messages per second are published on another one, to random
channels. Redis writes nothing to the disk. A message costs what is used meanwhile, less what is used without messages.`,
    measures: [
      less("time to subscribe to all, s", "Redis: time until all are subscribed, s"),
      less("Redis: CPU per subscription, µs", "Processor time of Redis for a subscription, µs"),
      less("Redis: CPU per message, µs", "Processor time of Redis for a message, µs"),
      less("server: CPU per message, µs", "Processor time of the server that follows the channels, for a message, µs"),
      less("bytes to Redis per message", "Bytes to Redis for a message"),
      less("bytes from Redis per message", "Bytes from Redis for a message"),
      less("publish to delivery, p50, ms", "From publishing to the client, median, ms"),
      less("publish to delivery, p99, ms", "From publishing to the client, 99th percentile, ms"),
      less("Redis: CPU without messages, % of a core", "Processor time of Redis without messages, % of a core"),
      less("server: CPU without messages, % of a core", "Processor time of the server without messages, % of a core"),
      less("to and from Redis without messages, KB/s", "To and from Redis without messages, KB/s"),
    ],
  },
  {
    part: "load",
    title: "The server beside socket.io, with many connections",
    text: `10,000 idle connections, one channel to 5,000 sockets, and 10,000 clients that each missed 100 messages and reconnect
at once. A quick run has a tenth of them.`,
    measures: [
      less("memory per idle connection, KB", "Memory of an idle connection, KB"),
      more("fan-out: delivered per second", "Full load: messages delivered per second"),
      more(
        "fan-out: delivered per second of the server's CPU",
        "Full load: messages delivered per second of processor time",
      ),
      more(
        "moderate: delivered per second of the server's CPU",
        "4 messages per second: delivered per second of processor time",
      ),
      less("moderate: latency p50, ms", "4 messages per second: median latency, ms"),
      less("storm: time until all have caught up, s", "Reconnect storm: time until all have caught up, s"),
      less("storm: the server's CPU, s", "Reconnect storm: processor time, s"),
      less("storm: peak memory, MB", "Reconnect storm: peak memory, MB"),
    ],
  },
];
