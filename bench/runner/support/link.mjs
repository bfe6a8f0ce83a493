// Links with a round trip time: each is a process of its own (bench/src/link.rs), so that it does not wait for this one.
import { Child } from "./children.mjs";

export class Links {
  #program;
  #links = new Map();

  constructor(program) {
    this.#program = program;
  }

  /** A link to a port. Without a delay there is none, and the port itself is returned. */
  async port(target, roundTripMs) {
    return roundTripMs === 0 ? target : (await this.to(target, roundTripMs)).port;
  }

  /** A link to a port, which can be cut. */
  async to(target, roundTripMs) {
    const key = `${target} ${roundTripMs}`;
    if (!this.#links.has(key)) {
      const args = ["--to", `127.0.0.1:${target}`, "--round-trip-ms", `${roundTripMs}`];
      this.#links.set(
        key,
        Child.start(this.#program, args).then((child) => new Link(child)),
      );
    }
    return this.#links.get(key);
  }

  async stop() {
    for (const link of this.#links.values()) await (await link).stop();
    this.#links.clear();
  }
}

class Link {
  #child;

  constructor(child) {
    this.#child = child;
  }

  get port() {
    return this.#child.port;
  }

  /** Ends all connections, and refuses new ones. */
  cut() {
    return this.#child.write("refuse\n");
  }

  /** Accepts connections again. */
  restore() {
    return this.#child.write("accept\n");
  }

  stop() {
    return this.#child.stop();
  }
}
