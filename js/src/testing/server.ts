import { invalid, SeamlineError } from "../error.js";
import { isText } from "../text.js";
import type { Position } from "../types.js";
import { Backend } from "./backend.js";
import { checkDrain, checkError, checkOptions, checkRefusal, DISCONNECT_OPTIONS, SERVER_OPTIONS } from "./check.js";
import type { Connection } from "./connection.js";
import { checkChannel, checkKey } from "./frames.js";
import type { Log } from "./log.js";
import { requested } from "./refusal.js";
import { type Network, webSocketClass } from "./socket.js";
import type {
  DisconnectOptions,
  RefusedRequest,
  StoredMessage,
  TestRefusal,
  TestServer,
  TestServerOptions,
} from "./types.js";

/** See {@link TestServer}. */
export class MemoryServer implements TestServer {
  readonly WebSocket: TestServer["WebSocket"];
  readonly #backend: Backend;
  readonly #network: Network = { isOffline: false };

  constructor(options: TestServerOptions) {
    checkOptions("createTestServer", options, SERVER_OPTIONS);
    this.#backend = new Backend(options);
    this.WebSocket = webSocketClass(this.#backend, this.#network);
  }

  get clients(): { clientId: string; user: string; channels: string[] }[] {
    return this.#connected().map(({ client, feeds }) => {
      const { clientId, user } = client!.owner;
      return { clientId, user, channels: [...feeds.keys()] };
    });
  }

  publish(channel: string, data: unknown, { key }: { key?: string | undefined } = {}): { id: string; offset: number } {
    if (key !== undefined && (!isText(key) || checkKey(key))) {
      throw invalid("bad_key", "key", key, "pass a string of 1 to 200 bytes");
    }
    const published = this.#backend.publish(this.#name(channel), json(data), key);
    if ("code" in published) throw new SeamlineError(published.code, published.message);
    return published;
  }

  cast(channel: string, data: unknown): void {
    this.#backend.cast(this.#name(channel), json(data));
  }

  messages<T>(channel: string): StoredMessage<T>[] {
    return this.#log(channel)
      .after(0)
      .map(({ json, ...message }) => ({ ...message, data: JSON.parse(json) as T }));
  }

  position(channel: string, clientId: string, user = "anonymous"): Position | undefined {
    return this.#backend.positions.of({ user, clientId, lineage: [] }, this.#name(channel));
  }

  head(channel: string): Position | undefined {
    const log = this.#backend.existing(this.#name(channel));
    const id = log?.after(log.head - 1).at(0)?.id;
    return log && { ...log.end("tail"), ...(id === undefined ? {} : { id }) };
  }

  trim(channel: string, upTo: number): void {
    const log = this.#log(channel);
    checkOffset("upTo", upTo, log);
    log.trim(upTo);
  }

  replaceLog(channel: string): void {
    this.#log(channel).replace();
    this.#restart(channel);
  }

  rewind(channel: string, head: number): void {
    const log = this.#log(channel);
    checkOffset("head", head, log);
    log.rewind(head);
    this.#restart(channel);
  }

  disconnect(options: DisconnectOptions = {}): void {
    checkOptions("disconnect", options, DISCONNECT_OPTIONS);
    const { clientId, code, reason = "" } = options;
    for (const connection of [...this.#backend.connections]) {
      if (clientId !== undefined && connection.client?.owner.clientId !== clientId) continue;
      if (code === undefined) connection.cut();
      else connection.close(code, reason);
    }
  }

  goOffline(): void {
    this.#network.isOffline = true;
    this.disconnect();
  }

  goOnline(): void {
    this.#network.isOffline = false;
  }

  drain(reconnectInMs = 100): void {
    checkDrain(reconnectInMs);
    for (const connection of [...this.#backend.connections]) connection.drain(reconnectInMs);
  }

  pause(): void {
    this.#backend.transit.pause();
  }

  resume(): void {
    this.#backend.transit.resume();
  }

  refuse(request: RefusedRequest, refusal: TestRefusal): () => void {
    checkRefusal(request, refusal);
    return this.#backend.refusals.add(request, refusal);
  }

  sendError({ channel, ...error }: Omit<TestRefusal, "times">): void {
    checkError({ channel, ...error });
    const refusal = requested(error);
    for (const connection of this.#connected()) {
      const feed = channel === undefined ? undefined : connection.feeds.get(channel);
      if (feed && error.retryAfterMs !== undefined) connection.endSubscription(feed, refusal);
      else if (feed) connection.sendError(refusal, { ch: feed.ch, ref: feed.ref });
      else if (channel === undefined) connection.sendError(refusal);
    }
  }

  settled(): Promise<void> {
    return this.#backend.transit.settled();
  }

  #connected(): Connection[] {
    return [...this.#backend.connections].filter(({ client }) => client !== undefined);
  }

  #log(channel: string): Log {
    return this.#backend.log(this.#name(channel));
  }

  #name(channel: string): string {
    if (isText(channel) && !checkChannel(channel)) return channel;
    throw invalid("bad_channel", "channel name", channel, "pass a string of 1 to 200 bytes");
  }

  /** The history has changed: each subscription crosses the seam again. */
  #restart(channel: string): void {
    for (const { feeds } of this.#backend.connections) feeds.get(channel)?.restart();
  }
}

function json(data: unknown): string {
  const text: string | undefined = JSON.stringify(data);
  if (text === undefined) throw invalid("bad_data", "payload", data, "pass a value that JSON can represent");
  return text;
}

function checkOffset(name: string, offset: number, log: Log): void {
  if (Number.isSafeInteger(offset) && offset >= 0 && offset <= log.head) return;
  throw invalid(
    "bad_option",
    `offset "${name}"`,
    offset,
    `pass a whole number from 0 to ${log.head}, the head of the log`,
  );
}
