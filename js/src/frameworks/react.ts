"use client";

import {
  type Context,
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useState,
  useSyncExternalStore,
} from "react";
import type { Client } from "../client.js";
import type { ChannelOptions, State } from "../types.js";
import { ChannelRef } from "./channel-ref.js";
import { CONNECTING, connectionStore } from "./connection-store.js";
import { NO_PUBLICATIONS, type Publication, Publisher } from "./outbox.js";
import { MessageStore, type Messages, type MessagesOptions, NO_MESSAGES } from "./store.js";

export type { ChannelRef } from "./channel-ref.js";
export type { Publication } from "./outbox.js";
export type { ListedGap, Messages, MessagesOptions } from "./store.js";

/** The provider's client; `undefined` if it has none, and `null` without a provider. */
const ClientContext: Context<Client | undefined | null> = createContext<Client | undefined | null>(null);

/**
 * Passes the client to the hooks below it. Where there is none, on a server that renders the page, pass `undefined`:
 * lists are empty then, and nothing connects.
 */
export function SeamlineProvider(props: {
  client: Client | undefined;
  children?: ReactNode | undefined;
}): ReactElement {
  return createElement(ClientContext.Provider, { value: props.client }, props.children);
}

/** The client of the nearest {@link SeamlineProvider}. Throws if it has none. */
export function useClient(): Client {
  const client = useMaybeClient();
  if (client) return client;
  throw new Error("<SeamlineProvider> has no client; call useClient() only where it has one, in the browser");
}

/**
 * The messages of a channel: the newest ones, and each later one as it arrives. Pass the options inline if you like:
 * another name, `from` or `limit` begins a new list, and the others apply when the list begins. If `from` is a position,
 * another position is ignored, because an application may store it as it moves. Change the component's `key` to begin
 * there.
 */
export function useMessages<T = unknown>(name: string, options: MessagesOptions<T> = {}): Messages<T> {
  const client = useMaybeClient();
  const store = useKept(
    [client, name, startOf(options), options.limit],
    () => new MessageStore<T>(client, name, options),
  );
  return useSyncExternalStore(store.subscribe, store.getSnapshot, () => NO_MESSAGES);
}

/**
 * A channel to publish to, and to listen to in effects. The object is the same in each render with the same name and
 * `from`. The channel is open while something listens.
 */
export function useChannel<T = unknown, C = unknown>(name: string, options: ChannelOptions<T> = {}): ChannelRef<T, C> {
  const client = useMaybeClient();
  return useKept([client, name, startOf(options)], () => new ChannelRef<T, C>(client, name, options));
}

/**
 * Publishes to a channel, with optimistic state. `pending` lists the publications whose messages `useMessages` does not
 * show yet, in order: unanswered, stored, or failed. When a message enters the list of `useMessages`, its publication
 * leaves this one in the same render. All components that publish to the channel share the list.
 */
export function usePublish<T = unknown>(
  name: string,
): { publish: (data: T) => void; pending: readonly Publication<T>[] } {
  const client = useMaybeClient();
  const publisher = useKept([client, name], () => new Publisher<T>(client, name));
  const pending = useSyncExternalStore(publisher.subscribe, publisher.getSnapshot, () => NO_PUBLICATIONS);
  return { publish: publisher.publish, pending };
}

/** The state of the connection. */
export function useConnectionState(): State {
  const client = useMaybeClient();
  const store = useKept([client], () => connectionStore(client));
  return useSyncExternalStore(store.subscribe, store.getSnapshot, () => CONNECTING);
}

function useMaybeClient(): Client | undefined {
  const client = useContext(ClientContext);
  if (client === null) throw new Error("a Seamline hook is used outside <SeamlineProvider client={client}>");
  return client;
}

/** A value that is made again when a key changes. Unlike that of `useMemo`, it survives a hot reload. */
function useKept<V>(keys: readonly unknown[], make: () => V): V {
  const [kept, keep] = useState(() => ({ keys, value: make() }));
  if (keys.every((key, i) => Object.is(key, kept.keys[i]))) return kept.value;
  const next = { keys, value: make() };
  keep(next);
  return next.value;
}

function startOf({ from }: ChannelOptions): string | undefined {
  return typeof from === "string" ? from : from && "position";
}
