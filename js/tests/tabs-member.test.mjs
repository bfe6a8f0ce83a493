// A tab among others: who has the hub, and who takes over.
import assert from "node:assert/strict";
import { test } from "node:test";
import { TabsTest } from "./support/tab-world.mjs";

function open(...names) {
  const tabs = new TabsTest();
  for (const name of names) tabs.join(name);
  tabs.pass(50);
  return tabs;
}

const states = (tabs) => [...tabs.tabs.values()].map(({ socket }) => socket.readyState);

test("one tab has the connection for all", () => {
  const tabs = open("a", "b", "c");
  assert.deepEqual(tabs.roles(), { a: "leader", b: "follower", c: "follower" });
  assert.deepEqual([states(tabs), tabs.wires.length], [[1, 1, 1], 1]);
});

test("a tab that crashes is replaced at once", () => {
  const tabs = open("a", "b", "c");
  tabs.crash("a");
  assert.deepEqual(tabs.roles(), { b: "leader", c: "follower" });
  assert.deepEqual(
    [...tabs.tabs.values()].map(({ closedWith, wakes }) => [closedWith, wakes]),
    [
      [1001, ["leader"]],
      [1001, ["follower"]],
    ],
  );
});

test("a tab that leaves is replaced at once", () => {
  const tabs = open("a", "b", "c");
  tabs.tabs.get("a").member.leave();
  tabs.settle();
  assert.deepEqual(tabs.roles(), { a: "none", b: "leader", c: "follower" });
  assert.equal(tabs.wires[0].isOpen, false);
});

test("a silent leader is replaced within a second", () => {
  const tabs = open("a", "b", "c");
  tabs.pass(5000);
  assert.equal(tabs.holder.name, "a", "it answers");
  tabs.freeze("a");
  let ms = 0;
  for (; tabs.holder.name === "a"; ms += 10) tabs.pass(10);
  assert.ok(ms < 900, `after ${ms} ms`);
  tabs.pass(50);
  assert.deepEqual(tabs.roles(), { a: "leader", b: "leader", c: "follower" });
  tabs.freeze("a", false);
  tabs.pass(50);
  assert.deepEqual(tabs.roles(), { a: "follower", b: "leader", c: "follower" });
  assert.equal(tabs.wires[0].isOpen, false);
});

test("only one tab replaces a silent leader", () => {
  const tabs = open("a", "b", "c", "d", "e");
  tabs.freeze("a");
  tabs.pass(3000);
  assert.deepEqual(tabs.roles(), { a: "leader", b: "leader", c: "follower", d: "follower", e: "follower" });
});

test("a visible tab replaces a silent leader", () => {
  const tabs = open("a", "b", "c", "d");
  for (const name of ["a", "b", "d"]) tabs.tabs.get(name).isHidden = true;
  tabs.freeze("a");
  tabs.pass(900);
  assert.equal(tabs.roles().c, "leader");
});

test("another tab steals if the first cannot", () => {
  const tabs = open("a", "b", "c");
  tabs.freeze("a");
  tabs.freeze("b");
  tabs.pass(2000);
  assert.equal(tabs.roles().c, "leader");
});

test("a leader that hears of a newer hub steps down", () => {
  const tabs = open("a", "b");
  tabs.tabs.get("a").member.receive("b", { type: "hub", term: tabs.now + 1, connected: false });
  assert.equal(tabs.roles().a, "follower");
  assert.equal(tabs.wires[0].isOpen, false);
});

test("an invented hub is replaced", () => {
  const tabs = open("a", "b", "c");
  const term = tabs.now + 1000;
  for (const { member } of tabs.tabs.values()) member.receive("ghost", { type: "hub", term, connected: true });
  assert.deepEqual(tabs.roles(), { a: "follower", b: "follower", c: "follower" });
  for (const name of ["a", "b", "c"]) tabs.open(name);
  tabs.pass(2000);
  for (const name of ["a", "b", "c"]) tabs.open(name); // as their clients do, because the takeover has closed these
  tabs.pass(100);
  assert.deepEqual(Object.values(tabs.roles()).sort(), ["follower", "follower", "leader"]);
  assert.deepEqual(states(tabs), [1, 1, 1]);
});

test("a term that is far ahead is none", () => {
  const tabs = open("a", "b");
  for (const { member } of tabs.tabs.values()) {
    member.receive("ghost", { type: "hub", term: Number.MAX_SAFE_INTEGER, connected: true });
  }
  assert.deepEqual([tabs.roles(), states(tabs)], [{ a: "leader", b: "follower" }, [1, 1]]);
});

test("a tab that freezes gives the connection away", () => {
  const tabs = open("a", "b");
  tabs.tabs.get("a").member.freeze();
  tabs.freeze("a");
  assert.equal(tabs.roles().b, "leader");
});

test("a tab alone keeps the connection when it freezes", () => {
  const tabs = open("a");
  tabs.tabs.get("a").member.freeze();
  assert.deepEqual([tabs.roles(), states(tabs)], [{ a: "leader" }, [1]]);
});

test("messages of an earlier hub are ignored", () => {
  const tabs = open("a", "b");
  const { member } = tabs.tabs.get("b");
  const term = tabs.now - 500;
  member.receive("old", { type: "hub", term, connected: true });
  member.receive("old", { type: "gone", term });
  member.receive("old", {
    type: "toTab",
    term,
    message: { type: "closed", socket: "b/1", code: 1000, reason: "", moved: false },
  });
  assert.deepEqual([tabs.roles(), states(tabs)], [{ a: "leader", b: "follower" }, [1, 1]]);
});

test("a tab that waits is woken by a connection", () => {
  const tabs = open("a", "b");
  const { member, socket, wakes } = tabs.tabs.get("b");
  socket.close(1000);
  tabs.settle();
  assert.deepEqual(wakes, []);
  member.receive("a", { type: "hub", term: tabs.now - 50, connected: true });
  assert.deepEqual(wakes, ["follower"]);
});
