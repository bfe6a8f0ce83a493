import { jetstream } from "@nats-io/jetstream";
import { wsconnect } from "@nats-io/nats-core";
import { Counter } from "./counter.mjs";
import { measureLatency } from "./latency.mjs";
import { publishAll } from "./publisher.mjs";

/** Its default of 100 makes the round trip time decide. */
const MESSAGES_IN_FLIGHT = 5000;
/** A long queue must not fail a publication. */
const PATIENT = { timeout: 60_000 };

async function consume(js, stream, take) {
  const consumer = await js.consumers.get(stream);
  await consumer.consume({ max_messages: MESSAGES_IN_FLIGHT, callback: (message) => take(message.json()) });
}

globalThis.bench = {
  async replay({ url, name, total, limitMs }) {
    const counter = new Counter(total, limitMs);
    await consume(jetstream(await wsconnect({ servers: url })), name, (data) => counter.take(data));
    return counter.done;
  },

  async publish({ url, name, total, limitMs }) {
    const js = jetstream(await wsconnect({ servers: url }));
    return publishAll((data) => js.publish(name, JSON.stringify(data), PATIENT), total, limitMs);
  },

  /** With a stream, a message is delivered when it is stored. */
  async latency({ url, name, hasStream, ...options }) {
    const connection = await wsconnect({ servers: url });
    const js = jetstream(connection);
    return measureLatency(options, async (take) => {
      if (hasStream) await consume(js, name, take);
      else connection.subscribe(name, { callback: (_error, message) => take(message.json()) });
      await connection.flush();
      const to = hasStream ? js : connection;
      return (data) => to.publish(name, JSON.stringify(data));
    });
  },
};
