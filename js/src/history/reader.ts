import { Result } from "../boundary.js";
import type { Connection } from "../connection.js";
import type { AbortSignalLike } from "../types.js";
import { type Answer, answerOf, canRead } from "./pages.js";

/** The first `ref`: none that a `sub` of the client has. */
const REF_MIN = 2 ** 40;
/** How long to wait before a rejected request is sent again, whatever the server asks for. */
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 300_000;

/** A request that has no answer yet. */
interface Request {
  _frame: string;
  _settle(answer: Answer | Error): void;
  /** It waits before it is sent again. */
  _timer?: ReturnType<typeof setTimeout> | undefined;
}

/**
 * Sends `read` on a client's connection, and takes the answers from the frames that arrive. A request without an answer
 * is sent again on the next connection. It takes the place of the connection's `_receive`, as `seamline/state` does of
 * methods of a handle.
 */
export class Reader {
  static #readers = new WeakMap<Connection, Reader>();
  readonly #connection: Connection;
  readonly #requests = new Map<number, Request>();
  #ref = REF_MIN;
  #off: (() => void) | undefined;

  /** That of a connection. */
  static of(connection: Connection): Reader {
    const reader = Reader.#readers.get(connection) ?? new Reader(connection);
    Reader.#readers.set(connection, reader);
    return reader;
  }

  private constructor(connection: Connection) {
    this.#connection = connection;
    const receive = connection._receive.bind(connection);
    connection._receive = (socket, data) => {
      const answer = receive(socket, data);
      if (answer !== Result.Repeat && this.#requests.size > 0) this.#receive(data);
      return answer;
    };
  }

  /** Reads a page. */
  async read(ch: string, before: number | undefined, limit: number, signal?: AbortSignalLike): Promise<Answer> {
    const ref = ++this.#ref;
    const _frame = JSON.stringify({ op: "read", ch, ref, before, limit });
    const abort = () => this.#requests.get(ref)?._settle(this.#error("closed", "reading was aborted"));
    try {
      const answer = await new Promise<Answer | Error>((_settle) => {
        this.#requests.set(ref, { _frame, _settle });
        signal?.addEventListener("abort", abort);
        this.#watch();
        if (signal?.aborted) abort();
        else if (this.#connection._closing) _settle(this.#error("closed", "the client is closed"));
        else if (this.#isOpen()) this.#send(this.#requests.get(ref)!);
      });
      if (answer instanceof Error) throw answer;
      return answer;
    } finally {
      signal?.removeEventListener("abort", abort);
      clearTimeout(this.#requests.get(ref)?._timer);
      this.#requests.delete(ref);
      if (this.#requests.size === 0) this.#stopWatching();
    }
  }

  #isOpen(): boolean {
    return this.#connection._status._state.name === "open";
  }

  #error(code: string, message: string): Error {
    return this.#connection.error(code, `cannot read history: ${message}`);
  }

  /** Sends what waits on each new connection. */
  #watch(): void {
    this.#off ??= this.#connection._status._events.on("state", ({ name }) => {
      for (const request of [...this.#requests.values()]) {
        if (name === "open") this.#send(request);
        if (name === "closed") request._settle(this.#error("closed", "the client is closed"));
      }
    });
  }

  #stopWatching(): void {
    this.#off?.();
    this.#off = undefined;
  }

  #send(request: Request): void {
    clearTimeout(request._timer);
    const { _socket } = this.#connection;
    // If it cannot be sent, the socket closes, and it is sent again on the next one.
    if (canRead(_socket?._first)) _socket?.send(request._frame);
    else request._settle(this.#error("not_supported", "the server does not announce the feature `read`; update it"));
  }

  #receive(data: unknown): void {
    if (typeof data !== "string" || !/"op"\s*:\s*"(page|readnack)"/.test(data)) return;
    let frame: Record<string, unknown>;
    try {
      frame = JSON.parse(data);
    } catch {
      return; // the client has reported it
    }
    const request = this.#requests.get(frame.ref as number);
    if (!request || (frame.op !== "page" && frame.op !== "readnack")) return;
    const answer = answerOf(frame);
    if (answer.name === "rejected" && answer.retryAfterMs !== undefined) {
      const waitMs = Math.min(Math.max(answer.retryAfterMs, RETRY_MS_MIN), RETRY_MS_MAX);
      request._timer = setTimeout(() => this.#isOpen() && this.#send(request), waitMs);
    } else if (answer.name === "rejected") request._settle(this.#error(answer.code, answer.message));
    else if (answer.name === "malformed") request._settle(this.#error("bad_frame", `the server sent a ${answer.what}`));
    else request._settle(answer);
  }
}
