import mqtt from "mqtt";
import { Counter } from "./counter.mjs";

const TEXT = new TextDecoder();

globalThis.bench = {
  /** Receives what the broker has kept for this client's session. */
  replay({ url, clientId, total, limitMs }) {
    const counter = new Counter(total, limitMs);
    const client = mqtt.connect(url, { clientId, clean: false });
    client.on("message", (_topic, data) => counter.take(JSON.parse(TEXT.decode(data))));
    return counter.done;
  },
};
