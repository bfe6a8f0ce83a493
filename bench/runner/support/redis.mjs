// A Redis for one measurement, and what it counts.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unusedPort } from "../../../js/e2e/support/port.mjs";
import { Child } from "./children.mjs";

const INFO = "*1\r\n$4\r\nINFO\r\n";
const HEAD = /^\$(\d+)\r\n/;

export class Redis {
  #dir = mkdtempSync(join(tmpdir(), "seamline-bench-"));
  #child;
  #socket;
  /** What INFO itself has cost. */
  #own = { bytesIn: 0, bytesOut: 0 };

  /** Starts it without a disk: how long one takes would hide the rest. */
  static async start() {
    const redis = new Redis();
    const port = await unusedPort();
    const args = ["--bind", "127.0.0.1", "--port", `${port}`, "--save", "", "--appendonly", "no"];
    redis.#child = await Child.startOn(port, "redis-server", [...args, "--dir", redis.#dir]);
    redis.#socket = connect(port, "127.0.0.1");
    await once(redis.#socket, "connect");
    return redis;
  }

  /** The value for `--log`. */
  get url() {
    return `redis://127.0.0.1:${this.#child.port}`;
  }

  /** Its processor time so far, and the bytes that it has received and sent, without those of this question. */
  async used() {
    const text = await this.#info();
    const figure = (name) => Number(new RegExp(`^${name}:([0-9.]+)`, "m").exec(text)?.[1]);
    this.#own.bytesIn += INFO.length; // it is counted before it is answered
    const used = {
      cpuUs: (figure("used_cpu_user") + figure("used_cpu_sys")) * 1e6,
      bytesIn: figure("total_net_input_bytes") - this.#own.bytesIn,
      bytesOut: figure("total_net_output_bytes") - this.#own.bytesOut,
    };
    this.#own.bytesOut += text.length;
    return used;
  }

  async #info() {
    this.#socket.write(INFO);
    let text = "";
    for (;;) {
      text += (await once(this.#socket, "data"))[0].toString("latin1");
      const [head, length] = HEAD.exec(text) ?? [];
      if (head && text.length === head.length + Number(length) + 2) return text;
    }
  }

  async stop() {
    this.#socket.destroy();
    await this.#child.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
