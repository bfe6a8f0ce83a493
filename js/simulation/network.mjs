import { FAULT, IN, OUT } from "./trace.mjs";

const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3];
/** A server whose client disappears without a close detects that by its own heartbeat. */
const SERVER_GIVES_UP_MS = 30_000;
/** So much of a frame is in the trace. */
const SHOWN = 150;

/** One direction of a connection. What is sent arrives in order, or not at all. */
class Pipe {
  #stage;
  #free = 0;
  #isCut = false;

  constructor(stage) {
    this.#stage = stage;
  }

  send(latency, arrive) {
    this.#free = Math.max(this.#free, this.#stage.now + latency);
    this.#stage.after(this.#free - this.#stage.now, () => this.#isCut || arrive());
  }

  stall(ms) {
    this.#free = Math.max(this.#free, this.#stage.now) + ms;
  }

  /** Nothing in transit arrives, and nothing after it. */
  cut() {
    this.#isCut = true;
  }
}

/** A WebSocket between a page and the server. */
export class Conn {
  /** The server's end, once it is open. */
  server;
  readyState = CONNECTING;

  constructor(network, page, socket, number) {
    Object.assign(this, { network, page, socket, name: `c${number}` });
    this.up = new Pipe(network.stage);
    this.down = new Pipe(network.stage);
  }

  /** The connection breaks. Each side learns it a moment later, or, half open, by itself. */
  cut(isHalfOpen) {
    if (this.readyState === CLOSED) return;
    const { stage, latency } = this.network;
    stage.note(FAULT, this.name, isHalfOpen ? "half open" : "cut");
    this.up.cut();
    this.down.cut();
    stage.after(isHalfOpen ? SERVER_GIVES_UP_MS : latency, () => this.server?.end());
    if (!isHalfOpen) this.#closed(1006, "");
  }

  /** The page is gone: what it has sent arrives, and then the end. */
  abandon() {
    this.down.cut();
    this.readyState = CLOSED;
    this.network.conns.delete(this);
    this.up.send(this.network.latency, () => this.server?.end());
  }

  open() {
    const { network, page } = this;
    if (this.readyState !== CONNECTING) return;
    if (!network.server.isUp || network.stage.rng.chance(network.faults.connect_refused)) {
      network.stage.note(FAULT, this.name, "refused");
      return this.down.send(network.latency, () => this.#close(1006, ""));
    }
    this.server = network.server.accept(this);
    this.down.send(network.latency, () => {
      if (this.readyState !== CONNECTING) return;
      this.readyState = OPEN;
      network.stage.note(IN, page.name, `${this.name} open`);
      this.#emit("onopen", {});
    });
  }

  /** A frame of the client. */
  send(data) {
    if (this.readyState !== OPEN) return;
    this.network.stage.note(OUT, this.page.name, `${this.name} ${shown(data)}`);
    this.up.send(this.network.latency, () => this.server?.receive(data));
  }

  /** A frame of the server. */
  deliver(data) {
    this.down.send(this.network.latency, () => {
      if (this.readyState !== OPEN && this.readyState !== CLOSING) return;
      this.network.stage.note(IN, this.page.name, `${this.name} ${shown(data)}`);
      this.#emit("onmessage", { data });
    });
  }

  /** The server closes. */
  end(code, reason) {
    this.down.send(this.network.latency, () => this.#close(code, reason));
  }

  /** The client closes. */
  close(code) {
    if (this.readyState === CLOSING || this.readyState === CLOSED) return;
    this.readyState = CLOSING;
    this.network.stage.note(OUT, this.page.name, `${this.name} close ${code ?? ""}`);
    this.up.send(this.network.latency, () => this.server?.end());
    this.#closed(code ?? 1005, "");
  }

  /** Not through the pipe: it may be cut. */
  #closed(code, reason) {
    this.network.stage.after(this.network.latency, () => this.#close(code, reason));
  }

  #close(code, reason) {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.network.conns.delete(this);
    this.network.stage.note(IN, this.page.name, `${this.name} closed ${code}`);
    this.#emit("onclose", { code, reason, wasClean: code !== 1006 });
  }

  #emit(handler, event) {
    this.page.enter(() => this.socket[handler]?.({ type: handler.slice(2), ...event }));
  }
}

export class Network {
  conns = new Set();
  server;
  #count = 0;

  constructor(stage, faults) {
    Object.assign(this, { stage, faults });
  }

  /** A new one for each item, so that two connections overtake each other. */
  get latency() {
    return this.stage.rng.between(1, this.faults.latency_ms_max);
  }

  /** The class of WebSockets of a page. */
  webSocketOf(page) {
    const network = this;
    return class WebSocket {
      onopen = null;
      onmessage = null;
      onclose = null;
      onerror = null;
      bufferedAmount = 0;
      protocol = "seamline.v1";
      #conn = network.#connect(page, this);

      get readyState() {
        return this.#conn?.readyState ?? CONNECTING;
      }
      send(data) {
        if (this.readyState === CONNECTING) throw new Error("the WebSocket is not open yet");
        page.step("send", () => this.#conn?.send(data));
      }
      close(code) {
        page.step("close", () => this.#conn?.close(code));
      }
    };
  }

  #connect(page, socket) {
    if (!page.isAlive) return undefined;
    const conn = new Conn(this, page, socket, ++this.#count);
    this.conns.add(conn);
    this.stage.note(OUT, page.name, `${conn.name} connects`);
    conn.up.send(this.latency, () => conn.open());
    return conn;
  }
}

const shown = (data) => (data.length > SHOWN ? `${data.slice(0, SHOWN)}… (${data.length})` : data);
