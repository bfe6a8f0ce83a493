// A client that sends what a test says, and compares every frame that comes.
import assert from "node:assert/strict";
import { until } from "./server.mjs";

/** Frames whose order is fixed only among those of the same channel. */
const FEED = new Set(["subd", "msgs", "live", "cast"]);

export class Peer {
  /** The epoch of the last `subd`, as the server sent it. */
  epoch;
  #socket;
  /** The frames that came: by channel, and the answers. */
  #streams = new Map();
  #closed;

  static async open({ WebSocket, url }) {
    const peer = new Peer();
    const socket = new WebSocket(url, "seamline.v1");
    peer.#socket = socket;
    socket.onmessage = ({ data }) => peer.#take(JSON.parse(data));
    socket.onclose = ({ code, reason }) => (peer.#closed = [code, reason]);
    await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
    return peer;
  }

  send(frame) {
    this.sendRaw(JSON.stringify(frame));
  }

  /** Text, or bytes for a binary frame. */
  sendRaw(text) {
    this.#socket.send(text);
  }

  close() {
    this.#socket.close();
  }

  /** The next frames are these. Those of a channel are in this order, and so are the answers. */
  async receives(...expected) {
    for (const [name, frames] of group(expected)) {
      const stream = this.#stream(name);
      await until(() => stream.length >= frames.length || this.#closed, { withinMs: 10_000 }).catch(() => {});
      assert.deepEqual(stream.splice(0, frames.length), frames);
    }
  }

  /** The first frame of a channel. It stays for `receives`. */
  async first(ch) {
    const stream = this.#stream(`channel ${ch}`);
    await until(() => stream.length > 0, { withinMs: 10_000 });
    return stream[0];
  }

  /** Nothing else has come. */
  async isDone() {
    this.send({ op: "ping" });
    await this.receives({ op: "pong" });
    assert.deepEqual([...this.#streams.values()].flat(), []);
  }

  /** The server closes, after what has been compared. The reason is a text or a pattern. */
  async isClosed(code, reason) {
    await until(() => this.#closed, { withinMs: 10_000 });
    assert.equal(this.#closed[0], code);
    if (reason instanceof RegExp) assert.match(this.#closed[1], reason);
    else assert.equal(this.#closed[1], reason);
    assert.deepEqual([...this.#streams.values()].flat(), []);
  }

  #stream(name) {
    if (!this.#streams.has(name)) this.#streams.set(name, []);
    return this.#streams.get(name);
  }

  #take(frame) {
    if (frame.op === "subd") this.epoch = frame.epoch;
    this.#stream(streamOf(frame)).push(normalized(frame));
  }
}

const streamOf = ({ op, ch }) => (FEED.has(op) ? `channel ${ch}` : "answers");

function group(frames) {
  const groups = new Map();
  for (const frame of frames) groups.set(streamOf(frame), [...(groups.get(streamOf(frame)) ?? []), frame]);
  return groups;
}

/** A frame without what differs from run to run. */
function normalized(frame) {
  const { session, epoch, id, ids, message, reconnect_in_ms, ...others } = frame;
  const name = (value, pattern, short) => (assert.match(value, pattern), short);
  return {
    ...others,
    ...(session && { session: name(session, /^[0-9a-f]{16}$/, "SESSION") }),
    ...(epoch && { epoch: name(epoch, /^[0-9a-f]{16}$/, "EPOCH") }),
    ...(id && { id: name(id, /^\d{13,}-\d+$/, "ID") }),
    ...(ids && { ids: ids.map((id) => name(id, /^\d{13,}-\d+$/, "ID")) }),
    // The place of a mistake, and the kind of token, are those of the reference server.
    ...(message && { message: frame.code === "unauthorized" ? "…" : message.replace(/, at line \d+ column \d+$/, "") }),
    ...(reconnect_in_ms && { reconnect_in_ms: "SOON" }),
  };
}
