// A hub whose tabs and server are the test: messages in, messages out.
import assert from "node:assert/strict";
import { source } from "./source.mjs";

const { Hub } = await source("tabs/hub");

const URL = "wss://example.org/ws";
export const WELCOME = { op: "welcome", session: "s", heartbeat_ms: 25_000, max_frame_bytes: 4096 };

/** A token as the hub reads it; its signature is the server's business. */
export function tokenOf(claims) {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;
}

export class HubTest {
  now = 1_000_000;
  /** What the hub did to its WebSocket: `"connect"`, `"disconnect"`, and the frames that it sent. */
  wire = [];
  #tabs = new Map();

  constructor() {
    this.hub = new Hub(URL, {
      post: (tab, message) => this.#inbox(tab).push(message),
      connect: () => this.wire.push("connect"),
      send: (text) => this.wire.push(JSON.parse(text)),
      disconnect: () => this.wire.push("disconnect"),
      connected: () => {},
    });
  }

  /** A hub with a connection for these tabs. */
  static connected(...tabs) {
    const test = new this();
    for (const tab of tabs) test.open(tab);
    test.hub.wireOpened();
    for (const tab of tabs) test.send(tab, { op: "hello", v: 1, client_id: tab });
    test.server(WELCOME);
    for (const tab of tabs) test.frames(tab);
    test.wire = [];
    return test;
  }

  open(tab, url = URL) {
    this.hub.receive(tab, { type: "open", socket: tab, url }, this.now);
  }

  send(tab, frame) {
    this.hub.receive(tab, { type: "send", socket: tab, text: JSON.stringify(frame) }, this.now);
  }

  close(tab) {
    this.hub.receive(tab, { type: "close", socket: tab }, this.now);
  }

  server(...frames) {
    for (const frame of frames) this.hub.wireReceived(JSON.stringify(frame), this.now);
  }

  /** What has arrived at a tab since the last call: frames, `"opened"`, and closes. */
  frames(tab) {
    return this.#inbox(tab)
      .splice(0)
      .map(({ type, text, code, reason }) =>
        type === "frame" ? JSON.parse(text) : type === "closed" ? { code, reason } : type,
      );
  }

  /** What the hub has done to its WebSocket since the last call. */
  sent() {
    return this.wire.splice(0);
  }

  /** Tabs that follow a live channel at its head. */
  follow(ch, head, ...tabs) {
    for (const tab of tabs) this.send(tab, { op: "sub", ch, ref: 1, credit: 100, from: "tail" });
    for (let request = this.sub(ch); request; request = this.sub(ch)) {
      this.server(subd(ch, request.ref, { head, at: head }), { op: "live", ch, head, ref: request.ref });
    }
    for (const tab of tabs) {
      assert.equal(this.frames(tab).at(-1).op, "live", `${tab} is live`);
    }
  }

  /** The newest `sub` of a channel since the last call. */
  sub(ch) {
    return this.sent().findLast((frame) => frame.op === "sub" && frame.ch === ch);
  }

  #inbox(tab) {
    if (!this.#tabs.has(tab)) this.#tabs.set(tab, []);
    return this.#tabs.get(tab);
  }
}

export const subd = (ch, ref, fields) => ({ op: "subd", ch, epoch: "e", first: 1, head: 0, at: 0, ref, ...fields });

export function msgs(ch, n, length, fields) {
  const offsets = Array.from({ length }, (_, i) => n + i);
  return { op: "msgs", ch, n, ids: offsets.map((offset) => `1000-${offset}`), data: offsets, ...fields };
}
