import type { Client } from "../client.js";
import type { ChannelOptions, State } from "../types.js";
import { ChannelRef } from "./channel-ref.js";
import { connectionStore } from "./connection-store.js";
import { type Publication, Publisher } from "./outbox.js";
import { MessageStore, type Messages, type MessagesOptions, type Store } from "./store.js";

export type { ChannelRef } from "./channel-ref.js";
export type { Publication } from "./outbox.js";
export type { ListedGap, Messages, MessagesOptions } from "./store.js";

/** A store by Svelte's contract: read it as `$store`. */
export interface Readable<S> {
  subscribe(run: (value: S) => void): () => void;
}

/**
 * The messages of a channel: the newest ones, and each later one as it arrives. The channel is open while something
 * subscribes to the store. Where there is no client, on a server that renders the page, pass `undefined`: the list is
 * empty then, and nothing connects.
 */
export function createMessages<T = unknown>(
  client: Client | undefined,
  name: string,
  options: MessagesOptions<T> = {},
): Readable<Messages<T>> {
  return readable(new MessageStore<T>(client, name, options));
}

/** A channel to publish to, and to listen to, for example in `onMount`. It is open while something listens. */
export function createChannel<T = unknown, C = unknown>(
  client: Client | undefined,
  name: string,
  options: ChannelOptions<T> = {},
): ChannelRef<T, C> {
  return new ChannelRef<T, C>(client, name, options);
}

/**
 * Publishes to a channel, with optimistic state. The store lists the publications whose messages `createMessages` does
 * not show yet, in order: unanswered, stored, or failed. When a message enters the list of `createMessages`, its
 * publication leaves this one in the same update. All stores for the channel share the list.
 */
export function createPublisher<T = unknown>(
  client: Client | undefined,
  name: string,
): Readable<readonly Publication<T>[]> & { publish: (data: T) => void } {
  const publisher = new Publisher<T>(client, name);
  return { ...readable(publisher), publish: publisher.publish };
}

/** The state of the connection. */
export function createConnectionState(client: Client | undefined): Readable<State> {
  return readable(connectionStore(client));
}

function readable<S>(store: Store<S>): Readable<S> {
  return {
    subscribe: (run) => {
      run(store.getSnapshot());
      return store.subscribe(() => run(store.getSnapshot()));
    },
  };
}
