import { clockGlobals, globalsOf } from "./realm.mjs";
import { FAULT } from "./trace.mjs";

/**
 * The server: the connections, the logs and the stored positions of `seamline/testing`, behind a network that has
 * latency and breaks. Its logs are durable: a crash loses connections, and nothing else.
 */
export class Server {
  isUp = true;
  #connections = new Set();
  #makeConnection;

  constructor(world) {
    this.world = world;
    const { stage, parts, journal } = world;
    const { Backend, Connection } = parts.server(...globalsOf(clockGlobals(stage, (call) => call())));
    this.backend = new Backend({ heartbeatMs: 10_000 });
    this.#makeConnection = (wire) => new Connection(this.backend, wire);
    const log = this.backend.log.bind(this.backend);
    this.backend.log = (ch) => journal.watch(ch, log(ch));
  }

  /** Returns what the network needs of the server's end. */
  accept(conn) {
    const connection = this.#makeConnection({
      send: (frame) => conn.deliver(frame),
      close: (code, reason) => conn.end(code, reason),
      cut: () => conn.cut(false),
    });
    this.backend.connections.add(connection);
    this.#connections.add(conn);
    return {
      connection,
      receive: (data) => this.#receive(conn, connection, data),
      end: () => {
        this.#connections.delete(conn);
        connection.end();
      },
    };
  }

  #receive(conn, connection, data) {
    const { stage, faults, publishers } = this.world;
    const { op, key, data: payload } = JSON.parse(data);
    if (op !== "pub") return connection.receive(data);
    const publication = publishers.arrived(key, payload);
    const refusal = this.#refusal(publication);
    const taken = refusal && this.backend.refusals.add("publish", refusal);
    connection.receive(data);
    taken?.(); // it may have been refused for another reason
    // The log has it, and the answer is lost.
    if (stage.rng.chance(faults.append_then_cut)) conn.cut(false);
  }

  /** Why a publication is refused, if it is: for now, or for good, and then whenever it comes. */
  #refusal(publication) {
    const { stage, faults } = this.world;
    if (!publication) return undefined;
    publication.isRefused ??= stage.rng.chance(faults.nack_for_good);
    if (publication.isRefused) return { code: "forbidden", message: "the simulation refuses this one" };
    if (!stage.rng.chance(faults.nack_for_now)) return undefined;
    return { code: "log_error", retryAfterMs: stage.rng.between(50, 3_000) };
  }

  /** All connections are lost; for a while, new ones are refused. */
  crash(downMs) {
    if (!this.isUp) return;
    this.world.stage.note(FAULT, "server", `crashes for ${downMs} ms`);
    this.isUp = false;
    for (const conn of [...this.#connections]) conn.cut(false);
    this.world.stage.after(downMs, () => this.restart());
  }

  restart() {
    this.isUp = true;
  }

  drain(reconnectInMs) {
    this.world.stage.note(FAULT, "server", `drains, reconnect in ${reconnectInMs} ms`);
    for (const connection of [...this.backend.connections]) connection.drain(reconnectInMs);
  }

  trim(ch, upTo) {
    this.world.stage.note(FAULT, ch, `trimmed to ${upTo}`);
    this.backend.log(ch).trim(upTo);
    this.world.journal.trimmed(ch);
  }

  rewind(ch, head) {
    this.world.stage.note(FAULT, ch, `rewound to ${head}`);
    this.world.journal.rewound(ch, head);
    this.backend.log(ch).rewind(head);
    this.#restart(ch);
  }

  replace(ch) {
    this.world.stage.note(FAULT, ch, "replaced");
    this.backend.log(ch).replace();
    this.world.journal.replaced(ch);
    this.#restart(ch);
  }

  #restart(ch) {
    for (const { feeds } of this.backend.connections) feeds.get(ch)?.restart();
  }

  /** The end of a channel, as `GET /channels/{ch}` has it. */
  position(ch) {
    const log = this.backend.log(ch);
    const [last] = log.after(log.head - 1);
    return { epoch: log.epoch, offset: log.head, ...(last && { id: last.id }) };
  }

  /** Another client publishes. */
  append(ch, data) {
    this.backend.publish(ch, JSON.stringify(data));
  }
}
