// The state of a pane's connection, in words. What is announced to screen readers changes only with
// the state; the countdown ticks outside of it.

const TICK_MS = 100;

export class StateLine {
  #refs;
  #section;
  #client;
  #clientId;
  #isHeld;
  #timer;

  constructor(section, refs, client, clientId, isHeld) {
    this.#section = section;
    this.#refs = refs;
    this.#client = client;
    this.#clientId = clientId;
    this.#isHeld = isHeld;
    client.on("state", () => this.draw());
    this.draw();
  }

  draw() {
    const { state } = this.#client;
    this.#section.dataset.state = state.name;
    setText(this.#refs.state, state.name);
    setText(this.#refs.detail, this.#detail(state));
    clearInterval(this.#timer);
    const tick = () => (this.#refs.countdown.textContent = countdown(this.#client.state));
    tick();
    if (state.name === "waiting") this.#timer = setInterval(tick, TICK_MS);
  }

  #detail(state) {
    const held = this.#isHeld() ? "Held offline. " : "";
    switch (state.name) {
      case "open":
        return `Connected as ${this.#clientId}`;
      case "connecting":
        return `${held}Connecting as ${this.#clientId}`;
      case "waiting":
        return `${held}Attempt ${state.attempt} failed: ${reason(state.reason)}`;
      default:
        return `Closed for good: ${reason(state.reason)}`;
    }
  }
}

/** A text that is set again is announced again. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The sentence is for people, the code for programs. The server does not always send a sentence. */
function reason({ code, message, closeCode }) {
  const codes = closeCode ? `${code}, ${closeCode}` : code;
  return message ? `${message} (${codes})` : codes;
}

function countdown(state) {
  if (state.name !== "waiting") return "";
  return `retry in ${(Math.max(0, state.retryAt - Date.now()) / 1000).toFixed(1)} s`;
}
