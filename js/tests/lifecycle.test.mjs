// The page's signs of waking up and of going away, with and without a document.
import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./support/source.mjs";

const { watchLifecycle } = await source("lifecycle");
const [HIDE, WAKE, SUSPEND] = [0, 1, 2];

function page(t, { withDocument }) {
  const target = new EventTarget();
  globalThis.addEventListener = target.addEventListener.bind(target);
  const document = withDocument ? { hidden: false } : undefined;
  globalThis.document = document;
  t.after(() => {
    delete globalThis.addEventListener;
    delete globalThis.document;
  });
  return { target, document };
}

test("each page event is a wake, hide or suspend", (t) => {
  const { target, document } = page(t, { withDocument: true });
  const told = [];
  const stop = watchLifecycle((name, sign) => told.push([name, sign]));
  const say = (on, name, more) => (on.dispatchEvent(Object.assign(new Event(name), more)), told.pop());
  const sign = (...event) => say(...event)?.[1];
  assert.deepEqual(say(target, "online"), ["online", WAKE]);
  assert.deepEqual(say(target, "offline"), ["offline", HIDE], "a hint that little time may be left, no verdict");
  assert.equal(sign(target, "pageshow"), WAKE);
  assert.equal(sign(target, "pageshow", { persisted: true }), WAKE, "from the back/forward cache");
  assert.equal(sign(target, "pagehide"), HIDE);
  assert.equal(sign(target, "pagehide", { persisted: true }), SUSPEND, "into the back/forward cache");
  assert.equal(sign(target, "freeze"), HIDE);
  assert.equal(sign(target, "resume"), WAKE);
  document.hidden = true;
  assert.equal(sign(target, "visibilitychange"), HIDE);
  document.hidden = false;
  assert.equal(sign(target, "visibilitychange"), WAKE);
  stop();
  for (const name of ["online", "offline", "pageshow", "pagehide"]) assert.equal(say(target, name), undefined, name);
  for (const name of ["freeze", "resume", "visibilitychange"]) assert.equal(say(target, name), undefined, name);
});

test("lifecycle events work without a document", (t) => {
  const { target } = page(t, { withDocument: false });
  const told = [];
  const stop = watchLifecycle((_, sign) => told.push(sign));
  target.dispatchEvent(new Event("online"));
  stop();
  assert.deepEqual(told, [WAKE]);
});

test("Node has no lifecycle events", () => {
  watchLifecycle(() => assert.fail())();
});
