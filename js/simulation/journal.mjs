import { STATE } from "./trace.mjs";

/**
 * What each log has had since the run began, also what it has no more. Each payload is published once
 * and is unique: `owner.number`. Each owner's numbers must stay in order.
 */
export class Journal {
  #channels = new Map();

  constructor(stage) {
    this.stage = stage;
  }

  /** Writes down what is appended to a log from now on. */
  watch(ch, log) {
    if (this.#channels.has(ch)) return log;
    const channel = { log, epochs: [], entries: new Map(), latest: new Map(), owners: new Map() };
    this.#channels.set(ch, channel);
    this.replaced(ch);
    const append = log.append.bind(log);
    log.append = (...args) => {
      const { head } = log;
      const appended = append(...args);
      if (log.head > head) this.#appended(ch, channel, log.after(head)[0]);
      return appended;
    };
    return log;
  }

  #appended(ch, { log, entries, latest, owners }, { offset, id, json }) {
    const text = JSON.parse(json);
    this.stage.note(STATE, ch, `${offset} is ${text}`);
    const entry = { epoch: log.epoch, offset, id, text, at: this.stage.now };
    const before = latest.get(text);
    if (before) this.stage.check(before.isRemoved, () => `${ch} has ${text} twice: ${show(before)} and ${show(entry)}`);
    entries.set(id, entry);
    latest.set(text, entry);
    if (before) return; // what the log has lost may come again behind what came later
    const [owner, number] = split(text);
    const others = owners.get(owner) ?? [];
    owners.set(owner, [...others, entry]);
    const overtaken = others.find((other) => !other.isRemoved && split(other.text)[1] > number);
    if (overtaken) this.stage.fail(`${ch} is out of order: ${text} at ${offset} comes after ${show(overtaken)}`);
  }

  trimmed(ch) {
    const { log, epochs } = this.#channels.get(ch);
    epochs.at(-1).first = log.first;
  }

  rewound(ch, head) {
    const { log, epochs, entries } = this.#channels.get(ch);
    epochs.at(-1).rewinds.push(head);
    for (const entry of entries.values()) {
      if (entry.epoch === log.epoch && entry.offset > head) entry.isRemoved = true;
    }
  }

  replaced(ch) {
    const { log, epochs, entries } = this.#channels.get(ch);
    for (const entry of entries.values()) entry.isRemoved = true;
    epochs.push({ epoch: log.epoch, first: 1, rewinds: [] });
  }

  /** The message of an id: what the log has or had. */
  find(ch, id) {
    return this.#channels.get(ch)?.entries.get(id);
  }

  /** The latest message with a payload: a log that was rewound or replaced may have lost an earlier one. */
  latest(ch, text) {
    return this.#channels.get(ch)?.latest.get(text);
  }

  /** The end of the log now. */
  end(ch) {
    const { log } = this.#channels.get(ch);
    return { epoch: log.epoch, offset: log.head };
  }

  /** What an epoch of the log has been through. */
  epoch(ch, name) {
    return this.#channels.get(ch)?.epochs.find(({ epoch }) => epoch === name);
  }

  /** The ids of all that was published, trimmed or not, unless the log was replaced or rewound since. */
  ids(ch) {
    return [...this.#channels.get(ch).entries.values()].filter(({ isRemoved }) => !isRemoved).map(({ id }) => id);
  }

  /**
   * Whether the log was rewound since it was last replaced. If it has grown beyond a position again before its reader was
   * there, nothing shows that: the protocol compares offsets.
   */
  wasRewound(ch) {
    return this.#channels.get(ch).epochs.at(-1).rewinds.length > 0;
  }

  /** The messages that the log has now, in order. */
  messages(ch) {
    return this.#channels.get(ch).log.after(0);
  }
}

/** The publisher of a payload, and the number that it gave it. */
export function split(text) {
  const dot = text.lastIndexOf(".");
  return [text.slice(0, dot), Number(text.slice(dot + 1))];
}

const show = ({ epoch, offset }) => `${epoch.slice(0, 4)}/${offset}`;
