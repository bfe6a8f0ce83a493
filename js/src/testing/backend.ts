import { randomName } from "../random.js";
import type { Position } from "../types.js";
import type { Connection } from "./connection.js";
import { Log } from "./log.js";
import { type Owner, Positions } from "./positions.js";
import { type Refusal, Refusals, refusal } from "./refusal.js";
import { Transit } from "./transit.js";
import type { TestServerOptions } from "./types.js";

/** What the connections of a server share. */
export class Backend {
  readonly connections = new Set<Connection>();
  readonly positions = new Positions();
  readonly refusals = new Refusals();
  readonly transit = new Transit();
  readonly authenticate: TestServerOptions["authenticate"];
  readonly maxFrameBytes: number;
  readonly #heartbeatMs: number;
  readonly #logs = new Map<string, Log>();

  constructor({ authenticate, heartbeatMs = 25_000, maxFrameBytes = 262_144 }: TestServerOptions) {
    this.authenticate = authenticate;
    this.maxFrameBytes = maxFrameBytes;
    this.#heartbeatMs = heartbeatMs;
  }

  /** The log of a channel, which is created if it does not exist. */
  log(ch: string): Log {
    const log = this.#logs.get(ch) ?? new Log();
    this.#logs.set(ch, log);
    return log;
  }

  /** The log of a channel, if there is one. */
  existing(ch: string): Log | undefined {
    return this.#logs.get(ch);
  }

  /** The fields of `welcome`. */
  welcome(): object {
    const session = randomName().slice(16);
    return { session, heartbeat_ms: this.#heartbeatMs, max_frame_bytes: this.maxFrameBytes, features: ["read"] };
  }

  /** Stores a message, and passes it to the subscribers. */
  publish(ch: string, json: string, key?: string): { id: string; offset: number } | Refusal {
    const appended = this.log(ch).append(json, key);
    if (appended.is === "conflict") {
      return refusal("key_conflict", `the key belongs to another message of \`${ch}\`; use a new key for each message`);
    }
    const { id, offset } = appended.message;
    if (appended.is === "new") for (const { feeds } of this.connections) feeds.get(ch)?.message(appended.message);
    return { id, offset };
  }

  /** Passes an ephemeral event to the subscribers, except the connection that it comes from. */
  cast(ch: string, json: string, from?: Connection): void {
    for (const connection of this.connections) if (connection !== from) connection.feeds.get(ch)?.cast(json);
  }

  acknowledge(owner: Owner, ch: string, { epoch, offset, id }: Position): void {
    const position = { epoch, offset, ...(id === undefined ? {} : { id }) };
    // An acknowledgement does not create a channel.
    const log = this.existing(ch);
    if (log) this.positions.acknowledge(owner, ch, position, log);
  }
}
