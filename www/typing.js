// The typing indicator: ephemeral events, which reach the clients that are connected now and are never stored.

const SAY_EVERY_MS = 1000;
const SHOW_FOR_MS = 2500;

export class Typing {
  #room;
  #name;
  #line;
  #saidAt = 0;
  #others = new Map();

  constructor(room, name, line) {
    this.#room = room;
    this.#name = name;
    this.#line = line;
    room.on("cast", (data) => {
      if (data?.typing === true && typeof data.from === "string") this.#show(data.from.slice(0, 40));
    });
  }

  /** Someone types in this pane. */
  typed() {
    if (Date.now() - this.#saidAt < SAY_EVERY_MS) return;
    this.#saidAt = Date.now();
    this.#room.cast({ typing: true, from: this.#name });
  }

  /** This pane has published: the next keystroke is sent at once. */
  published() {
    this.#saidAt = 0;
  }

  #show(from) {
    clearTimeout(this.#others.get(from));
    this.#others.set(
      from,
      setTimeout(() => this.wrote(from), SHOW_FOR_MS),
    );
    this.#draw();
  }

  /** A message of theirs arrived: they no longer type. */
  wrote(from) {
    if (!this.#others.has(from)) return;
    clearTimeout(this.#others.get(from));
    this.#others.delete(from);
    this.#draw();
  }

  #draw() {
    const names = [...this.#others.keys()];
    this.#line.textContent = names.length ? `${names.join(" and ")} ${names.length > 1 ? "are" : "is"} typing …` : "";
  }
}
