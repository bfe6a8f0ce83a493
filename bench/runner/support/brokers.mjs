// The servers of others that are programs of their own: NATS and mosquitto.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unusedPort } from "../../../js/e2e/support/port.mjs";
import { Child } from "./children.mjs";
import { payload } from "./message.mjs";

class Broker {
  #dir = mkdtempSync(join(tmpdir(), "seamline-bench-"));
  #child;
  peers;
  /** The port for programs; pages connect to `port`. */
  tcpPort;

  static async begin(broker, { program, peers, config, args }) {
    const port = await unusedPort();
    broker.tcpPort = await unusedPort();
    broker.peers = createRequire(join(peers, "package.json"));
    const file = join(broker.#dir, "broker.conf");
    writeFileSync(file, config({ port, tcpPort: broker.tcpPort, dir: broker.#dir }));
    broker.#child = await Child.startOn(port, program, args(file));
    await broker.prepare();
    return broker;
  }

  get port() {
    return this.#child.port;
  }

  get pid() {
    return this.#child.pid;
  }

  /** What must be there before a page connects. */
  async prepare() {}

  async close() {}

  async stop() {
    await this.close();
    await this.#child.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** NATS with JetStream. Every channel is a stream of that name, with its messages on disk. */
export class Nats extends Broker {
  #connection;
  #js;
  #manager;

  /** @param {string} sync when JetStream flushes its files to the disk, such as `2m` (its default) or `always` */
  static start({ nats, peers, sync = "2m" }) {
    const config = ({ port, tcpPort, dir }) => `
      listen: "127.0.0.1:${tcpPort}"
      jetstream { store_dir: "${dir}", sync_interval: ${sync} }
      websocket { listen: "127.0.0.1:${port}", no_tls: true }`;
    return Broker.begin(new Nats(), { program: nats, peers, config, args: (file) => ["--config", file] });
  }

  async prepare() {
    const { connect } = this.peers("@nats-io/transport-node");
    const { jetstream, jetstreamManager } = this.peers("@nats-io/jetstream");
    this.#connection = await connect({ port: this.tcpPort });
    this.#js = jetstream(this.#connection);
    this.#manager = await jetstreamManager(this.#connection);
  }

  async addStream(name, messages = 0) {
    await this.#manager.streams.add({ name, subjects: [name], storage: "file" });
    for (let n = 1; n <= messages; ) {
      const answers = [];
      while (n <= messages && answers.length < 500) answers.push(this.publish(name, payload(n++)));
      await Promise.all(answers);
    }
  }

  /** Publishes to a stream, and waits until the message is stored. */
  publish(name, text) {
    return this.#js.publish(name, text);
  }

  async close() {
    await this.#connection.close();
  }
}

/** mosquitto, with all that its sessions keep in memory. */
export class Mosquitto extends Broker {
  static start({ peers }) {
    const config = ({ port, tcpPort }) => `
listener ${tcpPort} 127.0.0.1
listener ${port} 127.0.0.1
protocol websockets
allow_anonymous true
max_queued_messages 0
max_inflight_messages 0
persistence false
`;
    return Broker.begin(new Mosquitto(), { program: "mosquitto", peers, config, args: (file) => ["-c", file] });
  }

  /** Leaves messages for a client that has subscribed and is away. */
  async leave(clientId, messages) {
    const mqtt = this.peers("mqtt");
    const url = `mqtt://127.0.0.1:${this.tcpPort}`;
    const away = await mqtt.connectAsync(url, { clientId, clean: false });
    await away.subscribeAsync("bench", { qos: 1 });
    await away.endAsync();
    const publisher = await mqtt.connectAsync(url);
    const answers = [];
    for (let n = 1; n <= messages; n++) answers.push(publisher.publishAsync("bench", payload(n), { qos: 1 }));
    await Promise.all(answers);
    await publisher.endAsync();
  }
}
