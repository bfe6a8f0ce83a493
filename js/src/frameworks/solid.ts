import {
  type Accessor,
  createComponent,
  createContext,
  createEffect,
  createMemo,
  createSignal,
  type JSX,
  onCleanup,
  untrack,
  useContext,
} from "solid-js";
import type { Client } from "../client.js";
import type { ChannelOptions, State } from "../types.js";
import { ChannelRef } from "./channel-ref.js";
import { CONNECTING, connectionStore } from "./connection-store.js";
import { NO_PUBLICATIONS, type Publication, Publisher } from "./outbox.js";
import { MessageStore, type Messages, type MessagesOptions, NO_MESSAGES, type Store } from "./store.js";

export type { ChannelRef } from "./channel-ref.js";
export type { Publication } from "./outbox.js";
export type { ListedGap, Messages, MessagesOptions } from "./store.js";

/** A value, or an accessor of one. */
export type MaybeAccessor<V> = V | Accessor<V>;

/** What the provider was given, in an object: Solid takes a bare `undefined` for no provider. */
const ClientContext = createContext<{ _client: Client | undefined }>();

/**
 * Passes the client to the primitives below it. Where there is none, on a server that renders the page, pass
 * `undefined`: lists are empty then, and nothing connects.
 */
export function SeamlineProvider(props: {
  client: Client | undefined;
  children?: JSX.Element | undefined;
}): JSX.Element {
  return createComponent(ClientContext.Provider, {
    value: { _client: props.client },
    get children() {
      return props.children;
    },
  });
}

/** The client of the nearest {@link SeamlineProvider}. Throws if it has none. */
export function useClient(): Client {
  const client = useMaybeClient();
  if (client) return client;
  throw new Error("<SeamlineProvider> has no client; call useClient() only where it has one, in the browser");
}

/**
 * The messages of a channel: the newest ones, and each later one as it arrives. The properties are reactive, like those
 * of a store. Another `name` begins a new list. The channel is open until the owner is disposed of.
 */
export function createMessages<T = unknown>(
  name: MaybeAccessor<string>,
  options: MessagesOptions<T> = {},
): Messages<T> {
  const client = useMaybeClient();
  const list = createSnapshot<Messages<T>>(() => new MessageStore<T>(client, read(name), options), NO_MESSAGES);
  const messages = createMemo(() => list().messages);
  const gaps = createMemo(() => list().gaps);
  const isLive = createMemo(() => list().isLive);
  const error = createMemo(() => list().error);
  return {
    get messages() {
      return messages();
    },
    get gaps() {
      return gaps();
    },
    get isLive() {
      return isLive();
    },
    get error() {
      return error();
    },
  };
}

/** A channel to publish to, and to listen to. The listeners are removed when the owner is disposed of. */
export function createChannel<T = unknown, C = unknown>(
  name: string,
  options: ChannelOptions<T> = {},
): ChannelRef<T, C> {
  const channel = new ChannelRef<T, C>(useMaybeClient(), name, options);
  onCleanup(() => channel._removeAll());
  return channel;
}

/**
 * Publishes to a channel, with optimistic state. `pending` lists the publications whose messages `createMessages` does
 * not show yet, in order: unanswered, stored, or failed. When a message enters the list of `createMessages`, its
 * publication leaves this one at the same time. All components that publish to the channel share the list.
 */
export function createPublisher<T = unknown>(
  name: MaybeAccessor<string>,
): { publish: (data: T) => void; readonly pending: readonly Publication<T>[] } {
  const client = useMaybeClient();
  const publisher = createMemo(() => new Publisher<T>(client, read(name)));
  const pending = createSnapshot<readonly Publication<T>[]>(publisher, NO_PUBLICATIONS);
  return {
    publish: (data) => untrack(publisher).publish(data),
    get pending() {
      return pending();
    },
  };
}

/** The state of the connection. */
export function createConnectionState(): Accessor<State> {
  const connection = connectionStore(useMaybeClient());
  return createSnapshot(() => connection, CONNECTING);
}

/** Follows a store in a signal, and another one as soon as `store` returns that. */
function createSnapshot<S>(store: Accessor<Store<S>>, initial: S): Accessor<S> {
  const [snapshot, set] = createSignal(initial);
  // A server that renders the page runs no effects.
  createEffect(() => {
    const followed = store();
    const update = () => void set(() => followed.getSnapshot());
    onCleanup(followed.subscribe(update));
    update();
  });
  return snapshot;
}

function useMaybeClient(): Client | undefined {
  const context = useContext(ClientContext);
  if (context) return context._client;
  throw new Error("a Seamline primitive is used outside <SeamlineProvider client={client}>");
}

function read<V>(value: MaybeAccessor<V>): V {
  return typeof value === "function" ? (value as Accessor<V>)() : value;
}
