// The rows of a pane: messages, and marks between them. Only the last rows are kept, here and in the
// document, and the document changes once per frame, however many messages arrive: a thousand at once
// stay smooth.
import { number, shorten } from "./words.js";

const ROWS = 200;
/** How many are kept for the next load of the page. */
const SAVED_ROWS = 50;

export class MessageList {
  #refs;
  /** The last rows; `total` counts all that there were. */
  #rows;
  #total;
  #messages;
  #drawn = 0;

  /** @param saved what {@link MessageList.save} returned in an earlier load of the page */
  constructor(refs, saved = { rows: [], total: 0, messages: 0 }) {
    this.#refs = refs;
    this.#rows = saved.rows;
    this.#total = saved.total;
    this.#messages = saved.messages;
    this.#drawn = this.#total - this.#rows.length;
  }

  save() {
    return { rows: this.#rows.slice(-SAVED_ROWS), total: this.#total, messages: this.#messages };
  }

  /** A message row: `{ offset, from, text, own, replayed }`. */
  message(row) {
    this.#messages++;
    this.#add({ ...row, text: shorten(row.text) });
  }

  /** A line between messages; `kind` is a style. */
  mark(kind, mark) {
    this.#add({ kind, mark });
  }

  #add(row) {
    this.#total++;
    this.#rows.push(row);
    if (this.#rows.length > 2 * ROWS) this.#rows = this.#rows.slice(-ROWS);
  }

  /** Brings the document up to date; stays at the end if the reader was there. */
  draw() {
    const fresh = Math.min(this.#total - this.#drawn, ROWS);
    this.#drawn = this.#total;
    if (fresh === 0) return;
    const { scroller, list, earlier } = this.#refs;
    const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 24;
    list.append(...this.#rows.slice(-fresh).map(element));
    while (list.childElementCount > ROWS) list.firstElementChild.remove();
    const hidden = this.#messages - list.querySelectorAll(".message").length;
    earlier.textContent = hidden > 0 ? `… ${number(hidden)} earlier` : "";
    if (atEnd) this.toEnd();
  }

  toEnd() {
    this.#refs.scroller.scrollTop = this.#refs.scroller.scrollHeight;
  }
}

function element({ mark, kind, offset, from, text, own, replayed }) {
  const row = document.createElement("li");
  if (mark) {
    row.className = `mark ${kind}`;
    row.append(span("text", mark));
    return row;
  }
  const how = replayed ? "replayed" : "live";
  row.className = `message ${how}${own ? " own" : ""}`;
  const author = document.createElement("b");
  author.textContent = from;
  const body = span("text", "");
  body.append(author, " ", text);
  row.append(span("offset", number(offset)), body, span("tag", own ? `own, ${how}` : how));
  return row;
}

function span(className, text) {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  return element;
}
