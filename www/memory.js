// What a pane keeps for the next load of the page: everything in one entry of `sessionStorage`, so
// that the position and what was shown up to it are of the same moment, whatever happens in between.
// `sessionStorage` belongs to one tab: two windows never share a client.

export class Memory {
  #key;

  constructor(channel, pane) {
    this.#key = `seamline-demo ${pane} ${channel}`;
  }

  /** `{}` the first time. */
  load() {
    try {
      return JSON.parse(sessionStorage.getItem(this.#key)) ?? {};
    } catch {
      return {};
    }
  }

  save(values) {
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(values));
    } catch {
      // Storage may be full or forbidden. Then the pane starts empty after a reload.
    }
  }
}
