import type { Channel, ChannelEvents } from "../channel.js";
import type { Client } from "../client.js";
import type { ChannelOptions, ListenerOptions, Position } from "../types.js";

/** What the framework entries need of a client. @internal */
export type AppClient = Pick<Client, "state" | "on" | "channel" | "outbox">;

/** A listener, and how to remove it from the handle that is open. */
type Entry<T, C> = { _add: (channel: Channel<T, C>) => () => void; _off: (() => void) | undefined };

/**
 * A channel, for as long as a component needs it. Its handle is open while something listens. When listeners come back,
 * after React's StrictMode or a hot reload has removed them, a new handle continues at the position of the old one. If
 * the client is closed and connects again, so does the handle. `T` is the type of the payloads, `C` that of ephemeral
 * events.
 */
export class ChannelRef<T = unknown, C = unknown> {
  /** The channel's name. */
  readonly name: string;
  readonly #client: AppClient | undefined;
  readonly #options: ChannelOptions<T>;
  readonly #entries = new Set<Entry<T, C>>();
  #handle: Channel<T, C> | undefined;
  #position: Position | undefined;
  #offState: (() => void) | undefined;

  /** @internal */
  constructor(client: AppClient | undefined, name: string, options: ChannelOptions<T> = {}) {
    this.name = name;
    this.#client = client;
    this.#options = options;
  }

  /** Everything up to here was processed. Unknown before the server answers. */
  get position(): Position | undefined {
    return this.#handle?.position ?? this.#position;
  }

  /**
   * Adds a listener for an event of the channel, for example in an effect. The returned function removes it, and so does
   * `signal`.
   */
  on = <E extends keyof ChannelEvents<T, C>>(
    event: E,
    listener: ChannelEvents<T, C>[E],
    { signal }: ListenerOptions = {},
  ): (() => void) => {
    const entry: Entry<T, C> = { _add: (channel) => channel.on(event, listener), _off: undefined };
    const off = () => {
      signal?.removeEventListener("abort", off);
      if (!this.#entries.delete(entry)) return;
      entry._off?.();
      if (this.#entries.size === 0) this.#stop();
    };
    if (signal?.aborted) return off;
    signal?.addEventListener("abort", off);
    this.#entries.add(entry);
    try {
      if (this.#entries.size === 1) this.#start();
      else if (this.#handle) entry._off = entry._add(this.#handle);
    } catch (error) {
      off();
      throw error;
    }
    return off;
  };

  /** Publishes a message; see `Channel.publish`. */
  publish = async (data: T, options?: { key?: string | undefined }): Promise<{ id: string; offset: number }> =>
    connected(this.#client).channel<T>(this.name).publish(data, options);

  /** Sends an ephemeral event to the channel's other subscribers; see `Channel.cast`. */
  cast = (data: C): void => connected(this.#client).channel<T, C>(this.name).cast(data);

  /** Removes all listeners. @internal */
  _removeAll(): void {
    for (const entry of this.#entries) entry._off?.();
    this.#entries.clear();
    this.#stop();
  }

  #start(): void {
    this.#offState = this.#client?.on("state", ({ name }) => {
      if (name === "closed") this.#close();
      else this.#open();
    });
    this.#open();
  }

  #stop(): void {
    this.#offState?.();
    this.#close();
  }

  #open(): void {
    if (this.#handle || !this.#client) return;
    const from = this.#startPoint();
    try {
      this.#handle = this.#client.channel<T, C>(this.name, { ...this.#options, ...(from && { from }) });
    } catch (error) {
      if ((error as { code?: unknown }).code === "closed") return; // the connection's state reports it
      throw error;
    }
    for (const entry of this.#entries) entry._off = entry._add(this.#handle);
  }

  /** The position of the last handle. With a state, the function is called only if that position is lost. */
  #startPoint(): ChannelOptions["from"] {
    const { from } = this.#options;
    if (!this.#position) return from;
    return typeof from === "object" && "kind" in from && from.kind === "state"
      ? from.at(this.#position)
      : this.#position;
  }

  #close(): void {
    this.#position = this.position;
    this.#handle?.close();
    this.#handle = undefined;
  }
}

/** The client, where one is needed. @internal */
export function connected(client: AppClient | undefined): AppClient {
  if (client) return client;
  throw new Error("cannot publish or cast: there is no client; do it in the browser, where there is one");
}
