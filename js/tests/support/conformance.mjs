// Conversations in seamline.v1, with every frame that the server must answer. The server of `seamline/testing` and the
// reference server pass the same ones (`testing-conformance.test.mjs`, and `e2e/conformance.chromium.test.mjs`). So a
// client can distinguish the two only by ids and epochs.
import { after, before, describe, test } from "node:test";
import { Peer } from "./peer.mjs";

const WELCOME = { op: "welcome", session: "SESSION", heartbeat_ms: 25_000, max_frame_bytes: 4096, features: ["read"] };
const CHANNEL_RULE = "a channel name has 1 to 200 bytes, no control characters, no space at either end";
const KEY_RULE = "an idempotency key has 1 to 200 bytes";

const sub = (ch, fields) => ({ op: "sub", ch, credit: 100, ...fields });
const subd = (ch, fields) => ({ op: "subd", ch, epoch: "EPOCH", first: 1, head: 0, at: 0, resumed: false, ...fields });
const live = (ch, head, fields) => ({ op: "live", ch, head, ...fields });
const msgs = (ch, n, data, fields) => ({ op: "msgs", ch, n, ids: data.map(() => "ID"), data, ...fields });
const replay = (ch, n, data) => msgs(ch, n, data, { replay: true });
const puback = (ch, key, offset) => ({ op: "puback", ch, key, id: "ID", offset });
const err = (code, message, fields) => ({ op: "err", code, message, ...fields });

/** What a suite shares: the server, and connections to it. */
class Suite {
  server;
  #joined = 0;

  constructor(start, options = {}) {
    before(async () => (this.server = await start(options)));
    after(() => this.server.stop());
  }

  /** A connection that has sent nothing. */
  open = () => Peer.open(this.server);

  /** A connection that has sent `hello`. */
  join = async (hello = {}) => {
    const peer = await this.open();
    peer.send({ op: "hello", v: 1, client_id: `client-${++this.#joined}`, ...hello });
    await peer.receives(WELCOME);
    return peer;
  };

  publish = async (ch, ...payloads) => {
    for (const data of payloads) await this.server.publish(ch, data);
  };
}

/**
 * Registers the tests. `start({ tokens, retain })` starts a server whose frames have at most 4,096 bytes, and returns
 * `{ WebSocket, url, publish(ch, data), trim(ch, upTo), cut(clientId), drain(), token(user, channels), stop() }`.
 */
export function conformance(start) {
  describe("subscribing", () => subscribing(new Suite(start)));
  describe("positions", () => positions(new Suite(start)));
  describe("publishing", () => publishing(new Suite(start)));
  describe("reading", () => reading(new Suite(start)));
  describe("bad frames", () => badFrames(new Suite(start)));
  describe("tokens", () => tokens(new Suite(start, { tokens: true })));
  describe("ends", () => ends(new Suite(start, { retain: 2 })));
}

function subscribing({ open, join, publish }) {
  test("a replay ends at the live stream", async () => {
    await publish("a", { text: "one" }, null);
    const peer = await join();
    peer.send(sub("a", { from: "start", ref: 7 }));
    await peer.receives(subd("a", { head: 2, ref: 7 }), replay("a", 1, [{ text: "one" }, null]));
    await peer.receives(live("a", 2, { ref: 7 }));
    await publish("a", "three");
    await peer.receives(msgs("a", 3, ["three"]));
    await peer.isDone();
  });

  test("a subscription may follow `hello` before the welcome", async () => {
    const peer = await open();
    peer.send({ op: "hello", v: 1, client_id: "quick" });
    peer.send(sub("quick"));
    await peer.receives(WELCOME, subd("quick"), live("quick", 0));
    await peer.isDone();
  });

  test("an empty channel is live at once", async () => {
    const peer = await join();
    peer.send(sub("empty", { credit: 0, ref: null, position: null }));
    await peer.receives(subd("empty"), live("empty", 0));
    await peer.isDone();
  });

  test("the tail has only new messages", async () => {
    await publish("tail", 1, 2);
    const peer = await join();
    peer.send(sub("tail", { from: "tail", credit: 0 }));
    await peer.receives(subd("tail", { head: 2, at: 2 }), live("tail", 2));
    await publish("tail", 3);
    await peer.receives(msgs("tail", 3, [3]));
    await peer.isDone();
  });

  test("a replay waits for credit, and live messages repeat", async () => {
    await publish("credit", 1, 2, 3, 4);
    const peer = await join();
    peer.send(sub("credit", { from: "start", credit: 3, ref: 1 }));
    await peer.receives(subd("credit", { head: 4, ref: 1 }), replay("credit", 1, [1, 2, 3]));
    await publish("credit", 5);
    await peer.isDone();
    peer.send({ op: "more", ch: "credit", credit: 10 });
    await peer.receives(replay("credit", 4, [4, 5]), live("credit", 5, { ref: 1 }), msgs("credit", 5, [5]));
    await peer.isDone();
  });

  test("an ephemeral event reaches the others, after a replay", async () => {
    await publish("casts", 1);
    const [sender, reader, waiting] = [await join(), await join(), await join()];
    for (const peer of [sender, reader]) {
      peer.send(sub("casts", { from: "tail" }));
      await peer.receives(subd("casts", { head: 1, at: 1 }), live("casts", 1));
    }
    waiting.send(sub("casts", { from: "start", credit: 0 }));
    await waiting.receives(subd("casts", { head: 1 }));
    sender.send({ op: "cast", ch: "casts", data: { typing: true } });
    const cast = { op: "cast", ch: "casts", data: { typing: true } };
    await reader.receives(cast);
    await waiting.isDone();
    waiting.send({ op: "more", ch: "casts", credit: 1 });
    await waiting.receives(replay("casts", 1, [1]), live("casts", 1), cast);
    for (const peer of [sender, reader, waiting]) await peer.isDone();
  });

  test("a second `sub` replaces the first one", async () => {
    await publish("twice", 1);
    const peer = await join();
    for (const ref of [1, 2]) {
      peer.send(sub("twice", { from: "start", ref }));
      await peer.receives(subd("twice", { head: 1, ref }), replay("twice", 1, [1]), live("twice", 1, { ref }));
    }
    await publish("twice", 2);
    await peer.receives(msgs("twice", 2, [2]));
    await peer.isDone();
  });

  test("nothing follows `unsub`", async () => {
    const peer = await join();
    peer.send(sub("left"));
    await peer.receives(subd("left"), live("left", 0));
    peer.send({ op: "unsub", ch: "left" });
    peer.send({ op: "unsub", ch: "never subscribed" });
    peer.send({ op: "more", ch: "left", credit: 1 });
    await peer.isDone();
    await publish("left", 1);
    await peer.isDone();
  });
}

function positions({ join, publish }) {
  /** A channel with three messages, and its epoch. */
  async function three(ch) {
    await publish(ch, 1, 2, 3);
    const peer = await join();
    peer.send(sub(ch, { from: "tail" }));
    await peer.receives(subd(ch, { head: 3, at: 3 }), live(ch, 3));
    return peer.epoch;
  }

  for (const [name, offset, epoch, at, data, resumed] of [
    ["in the log", 1, undefined, 1, [2, 3], true],
    ["at the head", 3, undefined, 3, [], true],
    ["beyond the head", 9, undefined, 3, [], false],
    ["in another epoch", 2, "0123456789abcdef", 0, [1, 2, 3], false],
  ]) {
    test(`a position ${name}`, async () => {
      const known = await three(name);
      const peer = await join();
      peer.send(sub(name, { position: { epoch: epoch ?? known, offset }, from: "tail" }));
      await peer.receives(subd(name, { head: 3, at, resumed }));
      if (data.length > 0) await peer.receives(replay(name, at + 1, data));
      await peer.receives(live(name, 3));
      await peer.isDone();
    });
  }

  test("a client resumes at its acknowledged position", async () => {
    const epoch = await three("acked");
    const hello = { client_id: "returns" };
    const peer = await join(hello);
    peer.send({ op: "ack", ch: "acked", epoch, offset: 2 });
    peer.send({ op: "ack", ch: "acked", epoch, offset: 1 }); // behind
    await peer.isDone();
    await publish("acked", 4);
    peer.close();
    const again = await resumed(hello, "acked", 2);
    await again.receives(
      subd("acked", { head: 4, at: 2, resumed: true }),
      replay("acked", 3, [3, 4]),
      live("acked", 4),
    );
    await again.isDone();
  });

  /** Joins and subscribes until the server has stored what was acknowledged on an earlier connection. */
  async function resumed(hello, ch, offset) {
    for (let attempts = 0; attempts < 100; attempts++) {
      const peer = await join(hello);
      peer.send(sub(ch));
      if ((await peer.first(ch)).at === offset) return peer;
      peer.close();
    }
    throw new Error(`the position ${offset} was not stored`);
  }

  test("a page load resumes at the one that it continues", async () => {
    const epoch = await three("loads");
    const first = await join({ client_id: "tab", lineage: "first" });
    first.send(sub("loads", { from: "start" }));
    await first.receives(subd("loads", { head: 3 }), replay("loads", 1, [1, 2, 3]), live("loads", 3));
    const copy = await join({ client_id: "tab", lineage: "copy first" });
    copy.send(sub("loads"));
    await copy.receives(subd("loads", { head: 3, resumed: true }), replay("loads", 1, [1, 2, 3]), live("loads", 3));
    copy.send({ op: "ack", ch: "loads", epoch, offset: 3 });
    await copy.isDone();
    copy.close();
    // The copy's position is not that of the page that was copied.
    const reloaded = await join({ client_id: "tab", lineage: "second first" });
    reloaded.send(sub("loads"));
    await reloaded.receives(subd("loads", { head: 3, resumed: true }), replay("loads", 1, [1, 2, 3]), live("loads", 3));
  });

  test("without a stored position, the head", async () => {
    await three("new");
    const peer = await join();
    peer.send(sub("new"));
    await peer.receives(subd("new", { head: 3, at: 3 }), live("new", 3));
    await peer.isDone();
  });
}

function publishing({ join, publish }) {
  test("a key is stored once", async () => {
    const peer = await join();
    peer.send({ op: "pub", ch: "keys", key: "k", data: 1 });
    await peer.receives(puback("keys", "k", 1));
    peer.send({ op: "pub", ch: "keys", key: "k", data: 1 });
    await peer.receives(puback("keys", "k", 1));
    peer.send({ op: "pub", ch: "keys", key: "k", data: "another payload" });
    const message = "the key belongs to another message of `keys`; use a new key for each message";
    await peer.receives({ op: "pubnack", ch: "keys", key: "k", code: "key_conflict", message });
    peer.send({ op: "pub", ch: "other keys", key: "k", data: null });
    await peer.receives(puback("other keys", "k", 1));
    await publish("keys", 2);
    peer.send(sub("keys", { from: "start" }));
    await peer.receives(subd("keys", { head: 2 }), replay("keys", 1, [1, 2]), live("keys", 2));
    await peer.isDone();
  });

  test("a publisher gets its own message", async () => {
    const peer = await join();
    peer.send(sub("own"));
    await peer.receives(subd("own"), live("own", 0));
    peer.send({ op: "pub", ch: "own", key: "k", data: { deep: [1, { text: "a\nb \ud800" }] } });
    await peer.receives(msgs("own", 1, [{ deep: [1, { text: "a\nb \ud800" }] }]), puback("own", "k", 1));
    await peer.isDone();
  });

  test("names that are not allowed are rejected", async () => {
    const peer = await join();
    for (const ch of ["", " a", "a ", "a\u0000", "a\u007f", "x".repeat(201), "é".repeat(101)]) {
      const shown = ch.startsWith("x") ? "x".repeat(200) : ch.startsWith("é") ? "é".repeat(100) : ch;
      peer.send({ op: "pub", ch, key: "k", data: 1 });
      peer.send(sub(ch, { ref: 3 }));
      peer.send({ op: "cast", ch, data: 1 });
      await peer.receives(
        { op: "pubnack", ch: shown, key: "k", code: "bad_channel", message: CHANNEL_RULE },
        err("bad_channel", CHANNEL_RULE, { ch: shown, ref: 3 }),
        err("bad_channel", CHANNEL_RULE, { ch: shown }),
      );
    }
    for (const key of ["", "k".repeat(201)]) {
      peer.send({ op: "pub", ch: "c", key, data: 1 });
      await peer.receives({ op: "pubnack", ch: "c", key: key.slice(0, 200), code: "bad_key", message: KEY_RULE });
    }
    await peer.isDone();
  });

  test("a large frame is announced", async () => {
    const text = "x".repeat(1500);
    await publish("large", text, text, text);
    const peer = await join();
    peer.send(sub("large", { from: "start" }));
    const run = replay("large", 1, [text, text, text]);
    const bytes = JSON.stringify(run).length + 3 * ("1795556137108-0".length - "ID".length);
    await peer.receives({ op: "incoming", bytes }, subd("large", { head: 3 }), run, live("large", 3));
    await publish("large", text);
    await peer.receives(msgs("large", 4, [text]));
    await peer.isDone();
  });
}

function reading({ join, publish }) {
  const read = (ch, ref, fields) => ({ op: "read", ch, ref, limit: 2, ...fields });
  const page = (ch, ref, n, data, fields) => {
    return { op: "page", ref, ch, epoch: "EPOCH", first: 1, head: 4, n, ids: data.map(() => "ID"), data, ...fields };
  };

  test("a log is read backwards", async () => {
    await publish("past", 1, { two: 2 }, null, "four");
    const peer = await join();
    peer.send(read("past", 1));
    await peer.receives(page("past", 1, 3, [null, "four"]));
    peer.send(read("past", 1, { before: 3 }));
    await peer.receives(page("past", 1, 1, [1, { two: 2 }]));
    peer.send(read("past", 2, { before: 1, limit: 10_000 }));
    await peer.receives(page("past", 2, 0, []));
    peer.send(read("past", 3, { before: 99, limit: 500 }));
    await peer.receives(page("past", 3, 1, [1, { two: 2 }, null, "four"]));
    peer.send(read("past", 4, { limit: 0 }));
    await peer.receives(page("past", 4, 0, []));
    await peer.isDone();
  });

  test("reading creates no channel", async () => {
    const peer = await join();
    const message = "there is no channel `unknown`; a publication or a subscription creates it";
    for (const ref of [1, 2]) {
      peer.send(read("unknown", ref));
      await peer.receives({ op: "readnack", ref, ch: "unknown", code: "unknown_channel", message });
    }
    peer.send(read(" a", 3));
    await peer.receives({ op: "readnack", ref: 3, ch: " a", code: "bad_channel", message: CHANNEL_RULE });
    await peer.isDone();
  });
}

function badFrames({ open, join }) {
  test("an unknown op is ignored", async () => {
    const peer = await join();
    for (const frame of [{ op: "future" }, { op: "future", ch: 7, offset: "x" }]) {
      peer.send(frame);
      await peer.receives(err("unknown_op", "the op `future` is unknown; the frame was ignored"));
    }
    peer.send({ op: "é".repeat(150) });
    await peer.receives(err("unknown_op", `the op \`${"é".repeat(100)}\` is unknown; the frame was ignored`));
    peer.send({ op: "ping", unknown_field: 1, code: "unknown", message: "too" });
    await peer.receives({ op: "pong" });
    await peer.isDone();
  });

  const WRONG = "not a frame: a field is missing or of the wrong type";
  for (const [name, text, message] of [
    ["text that is not JSON", "{", "not a frame: it is not JSON"],
    ["JSON that is no object", "7", WRONG],
    ["no op", "{}", "the frame has no `op`"],
    ["an op that is no text", '{"op":7}', WRONG],
    ["a second hello", '{"op":"hello","v":1,"client_id":"a"}', "`hello` was sent already; send it only once"],
    ["a missing field", '{"op":"sub","credit":1}', "`sub` needs the field `ch`"],
    ["a field that is null", '{"op":"ack","ch":"c","epoch":null,"offset":1}', "`ack` needs the field `epoch`"],
    ["a payload that is missing", '{"op":"pub","ch":"c","key":"k"}', "`pub` needs the field `data`"],
    ["a field of the wrong type", '{"op":"ping","offset":"x"}', WRONG],
    ["a negative number", '{"op":"more","ch":"c","credit":-1}', WRONG],
    ["a fraction", '{"op":"more","ch":"c","credit":1.5}', WRONG],
    ["an unknown start point", '{"op":"sub","ch":"c","credit":1,"from":"middle"}', WRONG],
    ["an incomplete position", '{"op":"sub","ch":"c","credit":1,"position":{"epoch":"e"}}', WRONG],
    ["a read without a ref", '{"op":"read","ch":"c","limit":1}', "`read` needs the field `ref`"],
    ["an id that is none", '{"op":"ack","ch":"c","epoch":"e","offset":1,"id":"7"}', WRONG],
    ["a lone surrogate in a name", '{"op":"unsub","ch":"\\ud800"}', "not a frame: it is not JSON"],
  ]) {
    test(`${name} ends the connection`, async () => {
      const peer = await join();
      peer.sendRaw(text);
      await peer.receives(err("bad_frame", message));
      await peer.isClosed(4400, /^not a frame/.test(message) ? /^not a frame/ : message);
    });
  }

  const LINEAGE = "`lineage` has 1 to 8 names of 1 to 40 bytes, separated by single spaces";
  for (const [name, frame, code, message] of [
    ["must be hello", { op: "ping" }, "bad_frame", "the first frame must be `hello`"],
    ["is no unknown op", { op: "future" }, "bad_frame", "the first frame must be `hello`"],
    [
      "has version 1",
      { op: "hello", v: 2, client_id: "a" },
      "bad_version",
      "this server speaks version 1 of the protocol, not 2",
    ],
    ["has a client id", { op: "hello", v: 1 }, "bad_frame", "`hello` needs the field `client_id`"],
    [
      "has a short client id",
      { op: "hello", v: 1, client_id: "x".repeat(201) },
      "bad_frame",
      "`client_id` has 1 to 200 bytes",
    ],
    ["has a lineage of names", { op: "hello", v: 1, client_id: "a", lineage: "a  b" }, "bad_frame", LINEAGE],
  ]) {
    test(`the first frame ${name}`, async () => {
      const peer = await open();
      peer.send(frame);
      await peer.receives(err(code, message));
      await peer.isClosed(4400, message);
    });
  }

  test("a binary frame ends the connection", async () => {
    const peer = await join();
    peer.sendRaw(new TextEncoder().encode('{"op":"ping"}'));
    await peer.isClosed(4400, "the frame is binary; frames must be text");
  });

  test("a frame that is too large ends the connection", async () => {
    const peer = await join();
    peer.send({ op: "pub", ch: "c", key: "k", data: "x".repeat(4096) });
    await peer.isClosed(1009, "the frame is too large; the limit is 4096 bytes");
  });
}

function tokens(suite) {
  const { open, publish } = suite;
  const READER = { read: ["room-*"], write: [] };
  const WRITER = { read: ["*-out"], write: ["*-out", "in"] };
  const hello = (user, channels) => ({ client_id: user, token: suite.server.token(user, channels) });
  const refused = (access, ch) => `the token does not grant ${access} access to \`${ch}\``;

  test("a token that is missing or wrong is rejected", async () => {
    for (const token of [undefined, "wrong"]) {
      const peer = await open();
      peer.send({ op: "hello", v: 1, client_id: "a", token });
      await peer.receives(err("unauthorized", "…"));
      await peer.isClosed(4401, /./);
    }
  });

  test("a token grants what it lists", async () => {
    await publish("room-1", 1);
    const peer = await suite.join(hello("ada", READER));
    peer.send(sub("room-1", { from: "start" }));
    await peer.receives(subd("room-1", { head: 1 }), replay("room-1", 1, [1]), live("room-1", 1));
    peer.send(sub("other", { ref: 2 }));
    peer.send({ op: "pub", ch: "room-1", key: "k", data: 1 });
    peer.send({ op: "cast", ch: "room-1", data: 1 });
    peer.send({ op: "cast", ch: "other", data: 1 });
    peer.send({ op: "read", ch: "other", ref: 9, limit: 1 });
    await peer.receives(
      err("forbidden", refused("read", "other"), { ch: "other", ref: 2 }),
      { op: "pubnack", ch: "room-1", key: "k", code: "forbidden", message: refused("write", "room-1") },
      err("forbidden", refused("write", "room-1")),
      err("forbidden", refused("write", "other"), { ch: "other" }),
      { op: "readnack", ref: 9, ch: "other", code: "forbidden", message: refused("read", "other") },
    );
    await peer.isDone();
  });

  test("a pattern matches from end to end", async () => {
    const peer = await suite.join(hello("bob", WRITER));
    for (const [ch, granted] of [
      ["a-out", true],
      ["in", true],
      ["a-out-b", false],
      ["inn", false],
    ]) {
      peer.send({ op: "pub", ch, key: "k", data: 1 });
      const nack = { op: "pubnack", ch, key: "k", code: "forbidden", message: refused("write", ch) };
      await peer.receives(granted ? puback(ch, "k", 1) : nack);
    }
    await peer.isDone();
  });

  test("a fresh token may grant less", async () => {
    const peer = await suite.join(hello("cleo", { read: ["a", "b"], write: [] }));
    for (const ch of ["a", "b"]) {
      peer.send(sub(ch, { ref: 5 }));
      await peer.receives(subd(ch, { ref: 5 }), live(ch, 0, { ref: 5 }));
    }
    peer.send({ op: "token", token: hello("cleo", { read: ["a"], write: [] }).token });
    const message = "the new token does not grant read access to `b`";
    await peer.receives(err("forbidden", message, { ch: "b", ref: 5, retry_after_ms: 1000 }));
    await peer.isDone();
  });

  test("a fresh token belongs to the same user", async () => {
    const peer = await suite.join(hello("dora"));
    peer.send({ op: "token", token: hello("eve").token });
    const message = "the new token belongs to another user; open a new connection with it";
    await peer.receives(err("forbidden", message));
    await peer.isClosed(4403, message);
  });
}

function ends(suite) {
  test("a trimmed position", async () => {
    const peer = await suite.join();
    peer.send(sub("trimmed"));
    await peer.receives(subd("trimmed"), live("trimmed", 0));
    await suite.publish("trimmed", 1, 2, 3, 4);
    await suite.server.trim("trimmed", 2);
    for (const [start, at] of [
      [{ position: { epoch: peer.epoch, offset: 1 } }, 2],
      [{ from: "start" }, 2],
    ]) {
      const late = await suite.join();
      late.send(sub("trimmed", start));
      await late.receives(subd("trimmed", { first: 3, head: 4, at }), replay("trimmed", 3, [3, 4]), live("trimmed", 4));
      await late.isDone();
    }
  });

  test("a stored position that was trimmed", async () => {
    const peer = await suite.join({ client_id: "slow", lineage: "load" });
    peer.send(sub("stored"));
    await peer.receives(subd("stored"), live("stored", 0));
    peer.close();
    await suite.publish("stored", 1, 2, 3, 4);
    await suite.server.trim("stored", 2);
    const again = await suite.join({ client_id: "slow", lineage: "load" });
    again.send(sub("stored"));
    await again.receives(subd("stored", { first: 3, head: 4, at: 0 }), replay("stored", 3, [3, 4]), live("stored", 4));
    await again.isDone();
  });

  test("a connection that is cut", async () => {
    const peer = await suite.join({ client_id: "cut" });
    await suite.server.cut("cut");
    await peer.isClosed(1006, "");
  });

  test("a drain", async () => {
    const [peer, silent] = [await suite.join(), await suite.open()];
    await suite.server.drain();
    await peer.receives({ op: "drain", reconnect_in_ms: "SOON" });
    for (const one of [peer, silent]) await one.isClosed(1012, "the server restarts");
  });
}
