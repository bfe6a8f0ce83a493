// What an outbox decides (src/storage/machine.ts): step by step, with a storage and a server that are a few lines here.
import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./support/source.mjs";

const { Machine } = await source("storage/machine");

const DAY_MS = 24 * 3600 * 1000;
const LIMITS = { _messages: 10, _bytes: 1000, _expireMs: 7 * DAY_MS, _clientMax: 1000 };

/** A machine whose commands the test performs. */
class Page {
  now = 1000;
  sent = [];
  writes = [];
  others = [];

  constructor(records = new Map(), { owner = "a", tab = owner, ...limits } = {}) {
    this.records = records;
    this.machine = new Machine({ ...LIMITS, ...limits, _owner: owner, _tab: tab });
    this.drain();
  }

  /** Takes what is to be done. Reads and writes wait for `read` and `write`. */
  drain() {
    for (let next = this.machine._poll(); next; next = this.machine._poll()) {
      if (next.do === "send") this.sent.push(next.entry);
      else if (next.do === "write") this.writes.push(next.changes);
      else if (next.do !== "read") this.others.push(next);
    }
    return this;
  }

  do(name, ...values) {
    const result = this.machine[`_${name}`](...values, this.now);
    this.drain();
    return result;
  }

  get all() {
    return [...this.records].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => ({ key, value }));
  }

  read() {
    this.do("read", this.all);
    return this;
  }

  /** The storage applies the current write. */
  write() {
    for (const { key, value } of this.writes.shift()) {
      if (value) this.records.set(key, structuredClone(value));
      else this.records.delete(key);
    }
    this.do("written");
    return this;
  }

  publish(json, { channel = "c", key = `k${json}` } = {}) {
    return this.do("publish", channel, key, json);
  }

  open() {
    this.do("connection", true);
    return this;
  }

  get payloads() {
    return this.sent.map(({ _stored }) => _stored.json);
  }

  get stored() {
    return this.all.map(({ value }) => value.json);
  }
}

test("a publication is sent after it is written", () => {
  const page = new Page().read().open();
  const entry = page.publish("1");
  assert.deepEqual([page.payloads, page.writes.length], [[], 1]);
  page.write();
  assert.deepEqual([page.payloads, page.stored], [["1"], ["1"]]);
  page.do("answered", entry);
  page.write();
  assert.deepEqual([page.stored, page.machine._entries._count], [[], 0]);
});

test("publications that gather during a write are written together", () => {
  const page = new Page().read().open();
  for (const json of ["1", "2", "3"]) page.publish(json);
  assert.equal(page.writes[0].length, 1);
  page.write();
  assert.equal(page.writes[0].length, 2);
  page.write();
  assert.deepEqual(page.payloads, ["1", "2", "3"]);
});

test("publications wait until the client is connected", () => {
  const page = new Page().read();
  page.publish("1");
  page.write();
  assert.deepEqual(page.payloads, []);
  page.open();
  assert.deepEqual(page.payloads, ["1"]);
});

test("a reloaded page sends what its tab has left first", () => {
  const before = new Page().read();
  before.publish("1");
  before.write();
  before.publish("2");
  before.write();
  const page = new Page(before.records, { owner: "b", tab: "a" }).open();
  page.publish("3");
  assert.deepEqual(page.payloads, []);
  page.read();
  page.write();
  assert.deepEqual(page.payloads, ["1", "2", "3"]);
});

test("a page waits until it knows whether an owner lives", () => {
  const before = new Page().read();
  before.publish("1");
  before.write();
  const page = new Page(before.records, { owner: "b" }).read().open();
  assert.deepEqual(page.others, [{ do: "claim", owner: "a" }]);
  page.publish("2");
  page.write();
  assert.deepEqual(page.payloads, []);
  page.do("adopt", "a", page.all);
  assert.deepEqual(page.payloads, ["1", "2"]);
});

test("an owner that lives sends its own publications", () => {
  const before = new Page().read();
  before.publish("1");
  before.write();
  const page = new Page(before.records, { owner: "b" }).read().open();
  page.do("lives", "a");
  page.publish("2");
  page.write();
  assert.deepEqual(page.payloads, ["2"]);
  page.do("adopt", "a", page.all);
  assert.deepEqual(page.payloads, ["2", "1"]);
});

test("a reloaded page sends what another page has adopted", () => {
  const before = new Page().read();
  before.publish("1");
  before.write();
  const other = new Page(before.records, { owner: "b" }).read();
  other.do("adopt", "a", other.all);
  other.write();
  const page = new Page(before.records, { owner: "c", tab: "a" }).read().open();
  page.publish("2");
  page.write();
  page.write();
  assert.deepEqual(page.payloads, ["1", "2"]);
});

test("a page that has adopted publications late does not change their order", () => {
  const before = new Page().read();
  before.publish("1");
  before.write();
  const other = new Page(before.records, { owner: "b" }).read();
  other.do("adopt", "a", other.all);
  const reloaded = new Page(before.records, { owner: "c", tab: "a" }).read();
  reloaded.publish("2");
  while (reloaded.writes.length > 0) reloaded.write();
  other.write(); // now the records have different owners
  const page = new Page(before.records, { owner: "d", tab: "a" }).read().open();
  page.publish("3");
  while (page.writes.length > 0) page.write();
  assert.deepEqual(page.payloads, ["1", "2", "3"]);
});

test("a page that adopts publications also sends what their tab has published before", () => {
  const before = new Page().read();
  for (const json of ["1", "2", "3"]) before.publish(json);
  while (before.writes.length > 0) before.write();
  const [first, , last] = before.records.keys();
  // The next page of the tab has taken over some, and the end of it is not noticed yet.
  for (const place of [first, last]) before.records.get(place).owner = "b";
  const page = new Page(before.records, { owner: "c" }).read().open();
  page.do("lives", "b");
  page.do("adopt", "a", page.all);
  assert.deepEqual(page.payloads, ["1", "2"]);
});

test("a rejected publication stays until it is discarded", () => {
  const page = new Page().read().open();
  const entry = page.publish("1");
  page.write();
  page.do("refused", entry, { code: "forbidden", message: "no" });
  page.write();
  assert.equal(page.others[0].do, "failed");
  const next = new Page(page.records, { owner: "b" }).read().open();
  assert.deepEqual(next.payloads, []);
  const [failed] = next.machine._entries;
  assert.deepEqual(failed._phase, { name: "failed", failure: { code: "forbidden", message: "no" } });
  assert.equal(next.do("discard", failed), true);
  next.write();
  assert.deepEqual(next.stored, []);
});

test("a retried publication is sent after the others", () => {
  const page = new Page().read().open();
  const entry = page.publish("1");
  page.write();
  page.do("refused", entry, { code: "forbidden", message: "no" });
  page.write();
  const other = page.publish("2");
  page.write();
  assert.equal(page.do("retry", other), false);
  assert.equal(page.do("retry", entry), true);
  page.write();
  assert.deepEqual(
    [page.payloads, page.stored],
    [
      ["1", "2", "1"],
      ["2", "1"],
    ],
  );
});

for (const code of ["closed", "outbox_full"]) {
  test(`a publication refused with ${code} is sent again`, () => {
    const page = new Page().read().open();
    const [first, second] = [page.publish("1"), page.publish("2")];
    page.write().write();
    for (const entry of [first, second]) page.do("refused", entry, { code, message: "" });
    page.now = page.machine._wakeAt();
    if (code === "closed") page.now = 2000;
    page.do("connection", false);
    page.open();
    assert.deepEqual(page.payloads, ["1", "2", "1", "2"]);
  });
}

test("a full client is asked again after a pause", () => {
  const page = new Page().read().open();
  const entry = page.publish("1");
  page.write();
  page.do("refused", entry, { code: "outbox_full", message: "" });
  assert.equal(page.machine._wakeAt(), page.now + 1000);
  page.do("tick");
  assert.equal(page.sent.length, 1);
  page.now += 1000;
  page.do("tick");
  assert.equal(page.sent.length, 2);
});

test("a clock that is set back delays nothing", () => {
  const page = new Page().read().open();
  const entry = page.publish("1");
  page.writes.shift();
  page.do("writeFailed", new Error("full"));
  page.do("refused", entry, { code: "outbox_full", message: "" });
  page.now -= 3600_000;
  page.do("tick");
  assert.deepEqual([page.sent.length, page.writes.length], [2, 1]);
});

test("arguments that are wrong for good are not kept", () => {
  const page = new Page().read().open();
  const entry = page.publish("1");
  page.write();
  page.do("refused", entry, { code: "bad_channel", message: "" });
  page.write();
  assert.deepEqual([page.stored, page.machine._entries._count], [[], 0]);
});

test("a publication that waits too long expires", () => {
  const page = new Page().read();
  page.publish("1");
  page.write();
  assert.equal(page.machine._wakeAt(), page.now + 7 * DAY_MS);
  page.now += 7 * DAY_MS;
  page.do("tick");
  page.write();
  page.open();
  assert.deepEqual(page.payloads, []);
  assert.equal(page.others[0].failure.code, "expired");
  // The next page shows it, and does not send it either.
  const next = new Page(page.records, { owner: "b" }).read().open();
  assert.deepEqual([next.payloads, [...next.machine._entries][0]._phase.name], [[], "failed"]);
});

test("a page that finds an expired publication does not send it", () => {
  const before = new Page().read();
  before.publish("1");
  before.write();
  const page = new Page(before.records, { owner: "b", tab: "a" });
  page.now += 8 * DAY_MS;
  page.read().open();
  assert.deepEqual([page.payloads, page.others[0].failure.code], [[], "expired"]);
});

test("a publication on its way is neither expired nor discarded", () => {
  const page = new Page().read().open();
  const entry = page.publish("1");
  page.write();
  page.do("connection", false);
  page.now += 8 * DAY_MS;
  page.do("tick");
  assert.deepEqual([page.do("discard", entry), entry._phase.name], [false, "sending"]);
});

test("a full outbox rejects publications", () => {
  const page = new Page(new Map(), { _messages: 2 }).read();
  page.publish("1");
  page.publish("2");
  assert.equal(page.publish("3").code, "outbox_full");
  const bytes = new Page(new Map(), { _bytes: 10 }).read();
  assert.equal(bytes.publish(`"${"x".repeat(20)}"`).code, "outbox_full");
});

test("failed publications make room for new ones", () => {
  const page = new Page(new Map(), { _messages: 2 }).read().open();
  const entry = page.publish("1");
  page.write();
  page.do("refused", entry, { code: "forbidden", message: "" });
  page.write();
  page.publish("2");
  page.write();
  assert.equal(page.publish("3").code, undefined);
  page.write();
  assert.deepEqual(page.stored, ["2", "3"]);
});

test("while the storage fails, publications are sent without it", () => {
  const page = new Page().read().open();
  const first = page.publish("1");
  page.writes.shift();
  page.do("writeFailed", new Error("full"));
  page.publish("2");
  assert.deepEqual([page.payloads, page.machine._isDurable], [["1", "2"], false]);
  assert.deepEqual(
    page.others.map((command) => command.do),
    ["report"],
  );
  page.do("answered", first);
  // After a pause, what is left is written.
  page.now = page.machine._wakeAt();
  page.do("tick");
  page.write();
  assert.deepEqual([page.stored, page.machine._isDurable], [["2"], true]);
});

test("a storage that keeps failing is tried less and less often", () => {
  const page = new Page().read();
  page.publish("1");
  const pauses = [];
  for (let i = 0; i < 12; i++) {
    page.writes.shift();
    page.do("writeFailed", new Error("full"));
    pauses.push(page.machine._wakeAt() - page.now);
    page.now = page.machine._wakeAt();
    page.do("tick");
  }
  assert.deepEqual(pauses.slice(0, 3), [5000, 10_000, 20_000]);
  assert.equal(pauses.at(-1), 600_000);
  assert.equal(page.others.length, 1, "the error is reported once");
});

test("a failed write that took effect leaves no record", () => {
  const page = new Page().read().open();
  const entry = page.publish("1");
  for (const { key, value } of page.writes.shift()) page.records.set(key, structuredClone(value));
  page.do("writeFailed", new Error("the answer is lost"));
  page.do("answered", entry);
  page.now = page.machine._wakeAt();
  page.do("tick");
  page.write();
  assert.deepEqual([page.stored, page.machine._wakeAt()], [[], Number.POSITIVE_INFINITY]);
});

test("a storage that cannot be read is read again", () => {
  const before = new Page().read();
  before.publish("1");
  before.write();
  const page = new Page(before.records, { owner: "b", tab: "a" }).open();
  page.publish("2");
  page.do("readFailed", new Error("blocked"));
  assert.deepEqual(page.payloads, ["2"]);
  page.now = page.machine._wakeAt();
  page.do("tick");
  assert.equal(page.machine._wakeAt(), Number.POSITIVE_INFINITY, "the second read is under way");
  page.read();
  assert.deepEqual(page.payloads, ["2", "1"]);
});

test("a damaged record is reported and removed", () => {
  const [place, value] = ["0000000000000007-x", { channel: "c", key: "k", json: "{", at: 1, owner: "x", tab: "x" }];
  const page = new Page(
    new Map([
      [place, value],
      ["other", 5],
    ]),
  ).read();
  assert.deepEqual(
    page.others.map((command) => command.do),
    ["damaged", "damaged"],
  );
  page.write();
  assert.equal(page.records.size, 0);
  page.publish("1");
  assert.equal(page.writes[0][0].key, "0000000000000008-a", "later places come after it");
});

test("only a window of publications is sent at once", () => {
  const page = new Page(new Map(), { _messages: 1000, _bytes: 1e6, _clientMax: 3 }).read();
  const entries = Array.from({ length: 5 }, (_, i) => page.publish(String(i)));
  while (page.writes.length > 0) page.write();
  page.open();
  assert.deepEqual(page.payloads, ["0", "1", "2"]);
  page.do("answered", entries[0]);
  assert.deepEqual(page.payloads, ["0", "1", "2", "3"]);
});

test("a publication that is discarded while it is written is not sent", () => {
  const page = new Page().read().open();
  const entry = page.publish("1");
  assert.equal(page.do("discard", entry), true);
  page.write().write();
  assert.deepEqual([page.payloads, page.stored], [[], []]);
});

test("a publication that is retried while its failure is written is written first", () => {
  const page = new Page().read().open();
  const entry = page.publish("1");
  page.write();
  page.do("refused", entry, { code: "forbidden", message: "" });
  page.do("retry", entry);
  page.write();
  assert.equal(page.sent.length, 1);
  page.write();
  assert.deepEqual([page.sent.length, page.stored], [2, ["1"]]);
});

test("a lock that is never answered delays publications by 5 s at most", () => {
  const before = new Page().read();
  before.publish("1");
  before.write();
  const page = new Page(before.records, { owner: "b" }).read().open();
  page.publish("2");
  page.write();
  page.now = page.machine._wakeAt();
  page.do("tick");
  assert.deepEqual([page.payloads, page.now], [["2"], 6000]);
});
