import { connect } from "seamline";
import { Counter } from "./counter.mjs";
import { measureLatency } from "./latency.mjs";
import { publishAll } from "./publisher.mjs";
import { recovery } from "./recorder.mjs";

const CHANNEL = "bench";
/** A lost connection is made again soon: how long a client waits before that is not what is measured. */
const SOON = { initialMs: 50, maxMs: 100 };

/** The ways in which an application receives messages. */
const WAYS = {
  on: (channel, take) => channel.on("message", ({ data }) => take(data)),
  batch: (channel, take) =>
    channel.on("batch", (messages) => {
      for (const { data } of messages) take(data);
    }),
  "for await": async (channel, take) => {
    for await (const { data } of channel) take(data);
  },
};

globalThis.bench = {
  /** Receives what the log has. */
  replay({ url, way, channel = CHANNEL, total, limitMs }) {
    const counter = new Counter(total, limitMs);
    WAYS[way](connect(url).channel(channel, { from: "start" }), (data) => counter.take(data));
    return counter.done;
  },

  /** Publishes, and waits for all answers. */
  async publish({ url, name, total, limitMs }) {
    const client = connect(url, { outboxMessages: total });
    await client.ready();
    return publishAll((data) => client.channel(name).publish(data), total, limitMs);
  },

  latency({ url, name, ...options }) {
    return measureLatency(options, async (take) => {
      const channel = connect(url).channel(name, { from: "tail" });
      channel.on("message", ({ data }) => take(data));
      await channel.ready();
      return (data) => channel.publish(data);
    });
  },

  ...recovery(async ({ url, name }, take) => {
    const channel = connect(url, { backoff: SOON }).channel(name, { from: "start" });
    channel.on("message", ({ data }) => take(data));
    await channel.ready();
  }),
};
