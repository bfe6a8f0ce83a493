// Publications of a pane that the log has not stored yet. Each has its own key: one that was pending when the page was
// reloaded is published again under the same key, and the log stores it once.
import { shorten } from "./words.js";

export class Outbox {
  #room;
  #list;
  #toEnd;
  #pending = new Map();

  constructor(room, list, toEnd) {
    this.#room = room;
    this.#list = list;
    this.#toEnd = toEnd;
  }

  save() {
    return [...this.#pending].map(([key, data]) => ({ key, data }));
  }

  publish(data, key = crypto.getRandomValues(new Uint32Array(4)).join("-")) {
    this.#pending.set(key, data);
    const row = document.createElement("li");
    row.className = "pending";
    row.textContent = `Pending: ${shorten(data.text)}`;
    this.#list.append(row);
    this.#toEnd();
    this.#room
      .publish(data, { key })
      .then(() => row.remove())
      .catch((error) => this.#failed(row, data, error))
      .finally(() => this.#pending.delete(key));
  }

  #failed(row, data, error) {
    row.className = "failed";
    row.textContent = `Not published: ${shorten(data.text)} (${error.message})`;
    const dismiss = document.createElement("button");
    dismiss.type = "button";
    dismiss.textContent = "Dismiss";
    dismiss.addEventListener("click", () => row.remove());
    row.append(" ", dismiss);
    this.#toEnd();
  }
}
