// The hub: many virtual WebSockets, one to the server.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HubTest, msgs, subd, tokenOf, WELCOME } from "./support/hub.mjs";

const ch = "room";
const after = (offset, epoch = "e") => ({ position: { epoch, offset } });
const sub = (ref, fields) => ({ op: "sub", ch, ref, credit: 100, ...fields });

describe("subscriptions", () => {
  test("tabs share one subscription on the wire", () => {
    const hub = HubTest.connected("a", "b");
    hub.send("a", sub(7, { from: "start" }));
    const { ref } = hub.sub(ch);
    hub.server(subd(ch, ref, { head: 2 }), msgs(ch, 1, 2, { replay: true }), { op: "live", ch, head: 2, ref });
    assert.deepEqual(
      hub.frames("a").map((frame) => [frame.op, frame.ref]),
      [
        ["subd", 7],
        ["msgs", undefined],
        ["live", 7],
      ],
    );
    hub.send("b", { ...sub(9, after(2)), credit: 98 });
    assert.deepEqual(hub.frames("b"), [subd(ch, 9, { head: 2, at: 2 }), { op: "live", ch, head: 2, ref: 9 }]);
    assert.deepEqual(hub.sent(), [], "nothing was requested for the second tab");
    hub.server(msgs(ch, 3, 1));
    assert.deepEqual([hub.frames("a"), hub.frames("b")], [[msgs(ch, 3, 1)], [msgs(ch, 3, 1)]]);
  });

  test("a tab behind begins the subscription again", () => {
    const hub = HubTest.connected("a", "b");
    hub.follow(ch, 10, "a");
    hub.send("b", sub(2, after(4)));
    const { ref, position } = hub.sub(ch);
    assert.deepEqual(position, { epoch: "e", offset: 4 });
    hub.server(msgs(ch, 11, 1)); // of the subscription before
    assert.deepEqual([hub.frames("a"), hub.frames("b")], [[msgs(ch, 11, 1)], []]);
    hub.server(subd(ch, ref, { head: 11, at: 4 }));
    assert.deepEqual(hub.frames("b"), [subd(ch, 2, { head: 11, at: 4 })]);
    assert.deepEqual(hub.frames("a"), [subd(ch, 1, { head: 11, at: 4 })]);
  });

  test("a tab at the tail skips others' replay", () => {
    const hub = HubTest.connected("a", "b");
    hub.send("a", sub(1, after(3)));
    const first = hub.sub(ch);
    hub.send("b", sub(2, { from: "tail" }));
    hub.server(subd(ch, first.ref, { head: 9, at: 3 }));
    assert.deepEqual(hub.frames("b"), [], "the head may be older than its request");
    const { ref, position } = hub.sub(ch);
    assert.deepEqual(position, { epoch: "e", offset: 3 });
    hub.server(subd(ch, ref, { head: 9, at: 3 }));
    assert.equal(hub.frames("b")[0].at, 9);
    assert.equal(hub.frames("a").at(-1).at, 3);
  });

  test("a late request never gets an older head", () => {
    const hub = HubTest.connected("a", "b");
    hub.send("a", sub(1, after(9)));
    const first = hub.sub(ch);
    hub.send("b", sub(2, after(12)));
    hub.server(subd(ch, first.ref, { head: 10, at: 9 }));
    assert.deepEqual(hub.frames("b"), [], "12 is not lost: the answer is older than the request");
    hub.server(subd(ch, hub.sub(ch).ref, { head: 12, at: 9 }));
    assert.equal(hub.frames("b")[0].head, 12);
  });

  test("a replaced log begins where every tab needs", () => {
    const hub = HubTest.connected("a", "b");
    hub.send("a", sub(1, after(50, "old")));
    hub.send("b", sub(2, after(5)));
    hub.server(subd(ch, hub.sub(ch).ref, { head: 8, at: 8 }));
    const { ref, position } = hub.sub(ch);
    assert.deepEqual(position, { epoch: "e", offset: 0 });
    hub.server(subd(ch, ref, { head: 8 }));
    assert.deepEqual([hub.frames("a")[0].at, hub.frames("b")[0].at], [0, 0]);
  });

  test("nothing of a log that was replaced meanwhile is forwarded", () => {
    const hub = HubTest.connected("a", "b");
    hub.send("a", sub(1, after(1)));
    const { ref: before } = hub.sub(ch);
    hub.server(subd(ch, before, { head: 1, at: 1 }), { op: "live", ch, head: 1, ref: before });
    hub.frames("a");
    hub.send("b", sub(2, { from: "start" }));
    const { ref } = hub.sub(ch);
    hub.server(subd(ch, before, { epoch: "new" }), { op: "live", ch, head: 0, ref: before }, msgs(ch, 1, 2));
    assert.deepEqual([hub.frames("a"), hub.frames("b")], [[], []]);
    hub.server(subd(ch, ref, { epoch: "new", head: 2 }), msgs(ch, 1, 2, { replay: true }));
    assert.deepEqual(
      hub.frames("a").map(({ op, epoch }) => [op, epoch]),
      [
        ["subd", "new"],
        ["msgs", undefined],
      ],
    );
  });

  test("the tab with most credit sets the pace", () => {
    const hub = HubTest.connected("a", "b");
    hub.send("a", sub(1, { from: "start", credit: 10 }));
    hub.server(subd(ch, hub.sub(ch).ref, { head: 100 }));
    hub.send("b", sub(1, { from: "start", credit: 30 }));
    const { ref, credit } = hub.sub(ch);
    assert.equal(credit, 30);
    hub.server(subd(ch, ref, { head: 100 }), msgs(ch, 1, 20, { replay: true }));
    hub.send("a", { op: "more", ch, credit: 10 });
    assert.deepEqual(hub.sent(), [], "the other one has more left");
    hub.send("b", { op: "more", ch, credit: 5 });
    assert.deepEqual(hub.sent(), [{ op: "more", ch, credit: 5 }]);
  });

  test("what a tab got beyond its credit is owed", () => {
    const hub = HubTest.connected("a", "b");
    hub.send("a", sub(1, { from: "start", credit: 1 }));
    hub.send("b", sub(1, { from: "start", credit: 5 }));
    for (let request = hub.sub(ch); request; request = hub.sub(ch)) hub.server(subd(ch, request.ref, { head: 100 }));
    hub.server(msgs(ch, 1, 5, { replay: true }));
    hub.hub.tabGone("b", hub.now);
    hub.send("a", { op: "more", ch, credit: 5 });
    assert.deepEqual(hub.sent(), [{ op: "more", ch, credit: 1 }]);
  });

  test("a joining tab raises the credit", () => {
    const hub = HubTest.connected("a", "b");
    hub.follow(ch, 5, "a");
    hub.send("b", { ...sub(2, after(5)), credit: 500 });
    assert.deepEqual(hub.sent(), [{ op: "more", ch, credit: 400 }]);
  });

  test("the last tab that leaves ends the subscription", () => {
    const hub = HubTest.connected("a", "b");
    hub.follow(ch, 5, "a", "b");
    hub.send("a", { op: "unsub", ch });
    assert.deepEqual(hub.sent(), []);
    hub.hub.tabGone("b", hub.now);
    assert.deepEqual(hub.sent(), [{ op: "unsub", ch }]);
  });

  test("a refused channel is refused to each tab", () => {
    const hub = HubTest.connected("a", "b");
    hub.send("a", sub(3));
    hub.send("b", sub(4));
    const err = { op: "err", code: "forbidden", message: "no", ch };
    hub.server({ ...err, ref: hub.sub(ch).ref });
    assert.deepEqual([hub.frames("a"), hub.frames("b")], [[{ ...err, ref: 3 }], [{ ...err, ref: 4 }]]);
  });
});

describe("answers", () => {
  test("an answer goes to the tab that asked", () => {
    const hub = HubTest.connected("a", "b");
    const pub = { op: "pub", ch, key: "k", data: { n: 1e21 } };
    hub.send("a", pub);
    hub.send("b", { op: "read", ch, ref: 5, limit: 10 });
    const [sent, read] = hub.sent();
    assert.deepEqual([sent, read.limit], [pub, 10]);
    const puback = { op: "puback", ch, key: "k", id: "1-0", offset: 1 };
    hub.server(puback, { op: "page", ch, ref: read.ref, messages: [] });
    assert.deepEqual([hub.frames("a"), hub.frames("b")], [[puback], [{ op: "page", ch, ref: 5, messages: [] }]]);
  });

  test("two tabs may send one publication", () => {
    const hub = HubTest.connected("a", "b");
    const pub = { op: "pub", ch, key: "k", data: 1 };
    for (const tab of ["a", "b"]) hub.send(tab, pub);
    const puback = { op: "puback", ch, key: "k", id: "1-0", offset: 1 };
    assert.deepEqual(hub.sent(), [pub]);
    hub.server(puback);
    assert.deepEqual(hub.sent(), [pub], "the answer may be for one of them only");
    hub.server(puback);
    assert.deepEqual([hub.frames("a"), hub.frames("b")], [[puback], [puback]]);
  });

  test("a publication of two tabs is not postponed after it is settled", () => {
    const hub = HubTest.connected("a", "b");
    const pub = { op: "pub", ch, key: "k", data: 1 };
    for (const tab of ["a", "b"]) hub.send(tab, pub);
    hub.server({ op: "pubnack", ch, key: "k", code: "log_error", retry_after_ms: 100 });
    hub.send("a", pub); // while that of the other tab is in flight
    assert.deepEqual(hub.sent(), [pub, pub]);
    const puback = { op: "puback", ch, key: "k", id: "1-0", offset: 1 };
    hub.server(puback);
    assert.deepEqual([hub.frames("a").at(-1), hub.frames("b").at(-1)], [puback, puback]);
    assert.deepEqual(hub.sent(), [], "both have the answer");
  });

  test("a cast reaches the other tabs", () => {
    const hub = HubTest.connected("a", "b");
    hub.follow(ch, 0, "a", "b");
    const cast = { op: "cast", ch, data: "typing" };
    hub.send("a", cast);
    assert.deepEqual([hub.frames("a"), hub.frames("b"), hub.sent()], [[], [cast], [cast]]);
  });

  test("a postponed publication of a dead tab replaces the connection", () => {
    const hub = HubTest.connected("a", "b");
    hub.send("a", { op: "pub", ch, key: "k", data: 1 });
    hub.server({ op: "pubnack", ch, key: "k", code: "too_fast", retry_after_ms: 100 });
    hub.sent();
    hub.hub.tabGone("a", hub.now);
    assert.deepEqual(hub.sent(), ["disconnect"]);
    assert.equal(hub.frames("b")[0].code, 1001);
  });

  test("a publication that a dead tab had in flight may be postponed", () => {
    const hub = HubTest.connected("a", "b");
    hub.send("a", { op: "pub", ch, key: "k", data: 1 });
    hub.hub.tabGone("a", hub.now);
    hub.sent();
    hub.server({ op: "pubnack", ch, key: "k", code: "log_error", retry_after_ms: 100 });
    assert.deepEqual(hub.sent(), ["disconnect"]);
    assert.equal(hub.frames("b")[0].code, 1001);
  });

  test("publications are repeated in their first order", () => {
    const hub = HubTest.connected("a", "b");
    const pub = (key) => ({ op: "pub", ch, key, data: 1 });
    for (const [tab, key] of ["a1", "b1", "a2"].map((key) => [key[0], key])) hub.send(tab, pub(key));
    hub.sent();
    for (const key of ["a1", "b1", "a2"]) hub.server({ op: "pubnack", ch, key, code: "too_fast", retry_after_ms: 100 });
    hub.send("b", pub("b2"));
    hub.send("a", pub("a1"));
    hub.send("a", pub("a2"));
    assert.deepEqual(hub.sent(), [pub("a1")]);
    hub.send("b", pub("b1"));
    assert.deepEqual(hub.sent(), [pub("b1"), pub("a2"), pub("b2")]);
  });

  test("publications of several tabs are not blamed", () => {
    const hub = HubTest.connected("a", "b");
    const pub = (key) => ({ op: "pub", ch, key, data: 1 });
    hub.send("a", pub("1"));
    hub.send("b", pub("2"));
    hub.hub.wireClosed(1009, "too large");
    assert.deepEqual([hub.frames("a")[0].code, hub.frames("b")[0].code], [1001, 1001]);
    for (const tab of ["a", "b"]) hub.open(tab);
    hub.hub.wireOpened();
    for (const tab of ["a", "b"]) hub.send(tab, { op: "hello", v: 1, client_id: tab });
    hub.server(WELCOME);
    hub.sent();
    hub.send("a", pub("1"));
    hub.send("b", pub("2"));
    assert.deepEqual(hub.sent(), [pub("1")], "one tab at a time");
    hub.hub.wireClosed(1009, "too large");
    assert.deepEqual([hub.frames("a").at(-1).code, hub.frames("b").at(-1).code], [1009, 1009]);
  });

  test("pings share one on the wire", () => {
    const hub = HubTest.connected("a", "b");
    for (const tab of ["a", "b"]) hub.send(tab, { op: "ping" });
    assert.deepEqual(hub.sent(), [{ op: "ping" }]);
    hub.server({ op: "pong" });
    assert.deepEqual([hub.frames("a"), hub.frames("b")], [[{ op: "pong" }], [{ op: "pong" }]]);
  });

  test("an unanswered ping replaces the connection", () => {
    const hub = HubTest.connected("a", "b");
    hub.send("a", { op: "ping" });
    hub.now += 1500;
    hub.close("a");
    assert.deepEqual(hub.sent(), [{ op: "ping" }, "disconnect"]);
    assert.equal(hub.frames("b")[0].code, 1001);
  });
});

describe("tabs", () => {
  test("another URL is an error that names both", () => {
    const hub = HubTest.connected("a");
    hub.open("b", "wss://example.org/other");
    const [{ code, reason }] = hub.frames("b");
    assert.equal(code, 4400);
    assert.match(
      reason,
      /the URL of this tab is wss:\/\/example\.org\/other, .* wss:\/\/example\.org\/ws; pass another `name`/,
    );
  });

  test("another user is an error that names both", () => {
    const hub = new HubTest();
    for (const tab of ["a", "b", "c"]) hub.open(tab);
    hub.hub.wireOpened();
    const hello = (sub, iat) => ({ op: "hello", v: 1, client_id: "x", token: tokenOf({ sub, iat }) });
    hub.send("a", hello("ada", 1));
    hub.server(WELCOME);
    hub.send("b", hello("ada", 2));
    assert.deepEqual(hub.frames("b"), ["opened", WELCOME], "a fresh token of the same user");
    hub.send("c", hello("bob", 1));
    const { code, reason } = hub.frames("c").at(-1);
    assert.equal(code, 4403);
    assert.match(reason, /the token of this tab is the user "bob", .* the user "ada"; pass another `name`/);
  });

  test("an expired token is asked of one tab", () => {
    const hub = new HubTest();
    const [old, fresh] = [1, 2].map((iat) => tokenOf({ sub: "ada", iat }));
    const join = (tab, token) => {
      hub.open(tab);
      if (hub.sent().includes("connect")) hub.hub.wireOpened();
      hub.send(tab, { op: "hello", v: 1, client_id: tab, token });
    };
    for (const tab of ["a", "b", "c"]) join(tab, old);
    hub.server(WELCOME);
    for (const tab of ["a", "b", "c"]) hub.frames(tab);
    hub.hub.wireClosed(4401, "expired");
    assert.deepEqual(
      ["a", "b", "c"].map((tab) => hub.frames(tab)[0].code),
      [4401, 1001, 1001],
    );
    join("b", old);
    join("c", old);
    assert.deepEqual(hub.sent(), [], "the old token is not sent again");
    join("a", fresh);
    assert.equal(hub.sent()[0].token, fresh);
    hub.server(WELCOME);
    assert.deepEqual(hub.frames("b"), ["opened", WELCOME]);
  });

  test("another tab is asked when the first ends", () => {
    const hub = new HubTest();
    const token = tokenOf({ sub: "ada" });
    for (const tab of ["a", "b"]) hub.open(tab);
    hub.hub.wireOpened();
    for (const tab of ["a", "b"]) hub.send(tab, { op: "hello", v: 1, client_id: tab, token });
    hub.server(WELCOME);
    hub.hub.wireClosed(4401, "expired");
    hub.open("b");
    hub.hub.wireOpened();
    hub.send("b", { op: "hello", v: 1, client_id: "b", token });
    hub.frames("b");
    hub.hub.tabGone("a", hub.now);
    assert.equal(hub.frames("b")[0].code, 4401);
  });

  test("a tab that takes nothing is dropped", () => {
    const hub = HubTest.connected("a", "b");
    hub.follow(ch, 0, "a", "b");
    const text = "x".repeat(90_000);
    let offset = 0;
    const run = () => hub.server({ ...msgs(ch, ++offset, 1), data: [text] });
    for (let i = 0; i < 40; i++) {
      run();
      hub.hub.receive("a", { type: "got", socket: "a", length: 90_000 }, hub.now);
    }
    assert.equal(hub.frames("b").length, 40, "it may be busy for a second");
    hub.now += 1500;
    run();
    assert.match(hub.frames("b")[0].reason, /too slow/);
    hub.frames("a");
    run();
    assert.deepEqual([hub.frames("a").length, hub.frames("b").length], [1, 0], "the others go on");
  });

  test("a failed connection fails for every tab", () => {
    const hub = new HubTest();
    for (const tab of ["a", "b"]) hub.open(tab);
    hub.hub.wireClosed(1006, "refused");
    assert.deepEqual(
      [hub.frames("a"), hub.frames("b")],
      [[{ code: 1006, reason: "refused" }], [{ code: 1006, reason: "refused" }]],
    );
  });
});
