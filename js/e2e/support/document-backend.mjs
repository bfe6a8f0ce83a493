// The backend of an application: a document, and edits of it that it publishes to a channel. Its answers are late and
// fail at times, as a real one's.
import { createServer } from "node:http";

const CHANNEL = "doc";
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class DocumentBackend {
  #http = createServer((request, response) => void this.#answer(request, response));
  #server;
  #readsStateFirst;
  #last = Promise.resolve();
  #keys = 0;
  /** The reference. `version` is the number of edits in it. */
  text = "";
  version = 0;

  /**
   * @param {{ url: string }} server where messages are published
   * @param {{ readsStateFirst?: boolean }} [mistake] reads the state before the position: what is edited in between is in
   *   neither the state nor the stream after it
   */
  constructor(server, { readsStateFirst = false } = {}) {
    this.#server = server;
    this.#readsStateFirst = readsStateFirst;
  }

  async start() {
    await new Promise((resolve) => this.#http.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get url() {
    return `http://127.0.0.1:${this.#http.address().port}`;
  }

  /** Runs between edits, one after the other. */
  exclusive(run) {
    const done = this.#last.then(run);
    this.#last = done.catch(() => {});
    return done;
  }

  /** The document as it is now. `load` returns to it. */
  save = () => ({ text: this.text, version: this.version });
  load = (saved) => Object.assign(this, saved);

  /** Applies an edit and publishes it. Until the server has it, later edits wait. */
  edit(text) {
    return this.exclusive(async () => {
      this.text += text;
      const body = JSON.stringify({ version: ++this.version, text });
      const headers = { "Idempotency-Key": `edit-${++this.#keys}` };
      for (;;) {
        const request = { method: "POST", headers, body };
        const answer = await fetch(`${this.#server.url}/channels/${CHANNEL}/messages`, request).catch(() => undefined);
        if (answer?.ok) return;
        await pause(20);
      }
    });
  }

  /** The state: first the position, and then the document. */
  async #state() {
    const early = this.save();
    if (this.#readsStateFirst) await pause(100);
    const answer = await fetch(`${this.#server.url}/channels/${CHANNEL}`);
    const { epoch, head, last_id } = await answer.json();
    if (!answer.ok && answer.status !== 404) throw new Error(`${answer.status}`);
    await pause(Math.random() * 40);
    return {
      position: answer.ok ? { epoch, offset: head, id: last_id } : "start",
      ...(this.#readsStateFirst ? early : this.save()),
    };
  }

  async #answer(request, response) {
    response.setHeader("Access-Control-Allow-Origin", "*");
    try {
      if (Math.random() < 0.1) throw new Error("a fault");
      if (request.method === "GET") return response.end(JSON.stringify(await this.#state()));
      let text = "";
      for await (const chunk of request) text += chunk;
      await this.edit(text);
      response.end();
    } catch {
      response.writeHead(503).end();
    }
  }

  async stop() {
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}
