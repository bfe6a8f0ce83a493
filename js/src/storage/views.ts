import type { StoredPublication } from "../types.js";
import type { Entries, Entry } from "./entries.js";
import type { Port } from "./port.js";

/** What an application sees of an outbox. What has not changed is the same object as before. */
export class Views {
  #port: Port;
  #all = new Map<Entry, StoredPublication>();
  #list: readonly StoredPublication[] = [];
  #version = 0;

  constructor(port: Port) {
    this.#port = port;
  }

  _list(entries: Entries): readonly StoredPublication[] {
    if (this.#version === entries._version) return this.#list;
    this.#version = entries._version;
    const before = this.#all;
    this.#all = new Map([...entries].map((entry) => [entry, viewOf(this.#port, entry, before.get(entry))]));
    const list = [...this.#all.values()];
    const isSame = list.length === this.#list.length && list.every((view, i) => view === this.#list[i]);
    if (!isSame) this.#list = list;
    return this.#list;
  }
}

/** What an application sees of a publication. `before` is what it saw last. */
export function viewOf(port: Port, entry: Entry, before?: StoredPublication): StoredPublication {
  const { _stored, _phase } = entry;
  const { channel, key, json, at } = _stored;
  const status = _phase.name === "writing" ? "waiting" : _phase.name;
  if (before?.status === status && before.publishedAt === at) return before;
  const data = before ? before.data : JSON.parse(json);
  const view = { channel, key, data, publishedAt: at };
  if (_phase.name !== "failed") return { ...view, status: _phase.name === "sending" ? "sending" : "waiting" };
  return { ...view, status: "failed", error: port._error(_phase.failure.code, _phase.failure.message) };
}
