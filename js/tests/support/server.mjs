// A small stand-in for a server of seamline.v1: `globalThis.WebSocket` becomes sockets that talk to it.
//
// It answers `hello`, `sub`, `pub` and `ping`, and records every frame in `received`. A test that needs another behavior
// replaces a method of the instance (`server.sub = …`), or sends frames itself (`server.send(frame)`).

export class FakeServer {
  sockets = [];
  received = [];
  epoch = "e";
  /** Channel → payloads; the message at place `i` has the offset `i + 1`. */
  logs = new Map();

  /** Makes a server, and every WebSocket from now on one to it. */
  static install() {
    const server = new FakeServer();
    globalThis.WebSocket = class {
      bufferedAmount = 0;
      constructor(url, protocol) {
        Object.assign(this, { url, protocol });
        server.sockets.push(this);
        setImmediate(() => this.onopen?.({}));
      }
      send(text) {
        setImmediate(() => {
          const frame = JSON.parse(text);
          server.received.push(frame);
          server[frame.op]?.(frame);
        });
      }
      close(code) {
        this.closedWith ??= code;
      }
    };
    return server;
  }

  /** The frames of an op that came in. */
  ops(op) {
    return this.received.filter((frame) => frame.op === op);
  }

  /** To the newest socket. */
  send(frame) {
    this.sockets.at(-1).onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }

  /** Ends the newest socket. */
  drop(code = 1006, reason = "") {
    this.sockets.at(-1).onclose?.({ code, reason });
  }

  /** A `msgs` frame of the log, `from..=to`. */
  msgs(ch, from, to, replay) {
    const data = this.logs.get(ch).slice(from - 1, to);
    const ids = data.map((_, i) => `1000-${from + i}`);
    this.send({ op: "msgs", ch, n: from, ids, data, ...(replay ? { replay } : {}) });
  }

  hello() {
    this.send({ op: "welcome", session: "s", heartbeat_ms: 25_000, max_frame_bytes: 1000 });
  }

  sub({ ch, position, from }) {
    const head = this.log(ch).length;
    const at = position?.offset ?? (from === "start" ? 0 : head);
    this.send({ op: "subd", ch, epoch: this.epoch, first: 1, head, at, resumed: position !== undefined });
    if (at < head) this.msgs(ch, at + 1, head, true);
    this.send({ op: "live", ch, head });
  }

  pub({ ch, key, data }) {
    const offset = this.log(ch).push(data);
    this.send({ op: "puback", ch, key, id: `1000-${offset}`, offset });
    this.msgs(ch, offset, offset);
  }

  ping() {
    this.send({ op: "pong" });
  }

  log(ch) {
    if (!this.logs.has(ch)) this.logs.set(ch, []);
    return this.logs.get(ch);
  }
}

/** Waits until something is so. */
export async function until(isSo, { withinMs = 60_000 } = {}) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const late = Date.now() > deadline; // read before the check, so that a machine that stalls gets another one
    if (await isSo()) return;
    if (late) throw new Error(`not so within ${withinMs} ms: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
