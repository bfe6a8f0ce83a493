// The lifecycle events of a page, with and without a document.
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
  const emitted = [];
  const stop = watchLifecycle((name, call) => emitted.push([name, call]));
  const fire = (on, name, more) => (on.dispatchEvent(Object.assign(new Event(name), more)), emitted.pop());
  const call = (...event) => fire(...event)?.[1];
  assert.deepEqual(fire(target, "online"), ["online", WAKE]);
  assert.deepEqual(fire(target, "offline"), ["offline", HIDE], "a hint that little time may be left");
  assert.equal(call(target, "pageshow"), WAKE);
  assert.equal(call(target, "pageshow", { persisted: true }), WAKE, "from the back/forward cache");
  assert.equal(call(target, "pagehide"), HIDE);
  assert.equal(call(target, "pagehide", { persisted: true }), SUSPEND, "into the back/forward cache");
  assert.equal(call(target, "freeze"), HIDE);
  assert.equal(call(target, "resume"), WAKE);
  document.hidden = true;
  assert.equal(call(target, "visibilitychange"), HIDE);
  document.hidden = false;
  assert.equal(call(target, "visibilitychange"), WAKE);
  stop();
  for (const name of ["online", "offline", "pageshow", "pagehide"]) assert.equal(fire(target, name), undefined, name);
  for (const name of ["freeze", "resume", "visibilitychange"]) assert.equal(fire(target, name), undefined, name);
});

test("lifecycle events work without a document", (t) => {
  const { target } = page(t, { withDocument: false });
  const { addEventListener } = globalThis;
  globalThis.addEventListener = (name, listener, options) => {
    assert.equal(options.capture, false, "Cloudflare Workers refuse it");
    addEventListener(name, listener, options);
  };
  const emitted = [];
  const stop = watchLifecycle((_, call) => emitted.push(call));
  target.dispatchEvent(new Event("online"));
  stop();
  assert.deepEqual(emitted, [WAKE]);
});

test("Node has no lifecycle events", () => {
  watchLifecycle(() => assert.fail())();
});
