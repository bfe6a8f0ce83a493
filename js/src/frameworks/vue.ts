import {
  type ComputedRef,
  computed,
  getCurrentInstance,
  type InjectionKey,
  inject,
  onMounted,
  onScopeDispose,
  type Plugin,
  type Ref,
  type ShallowRef,
  shallowRef,
  unref,
  watch,
} from "vue";
import type { Client } from "../client.js";
import type { ChannelOptions, State } from "../types.js";
import { ChannelRef } from "./channel-ref.js";
import { CONNECTING, connectionStore } from "./connection-store.js";
import { NO_PUBLICATIONS, type Publication, Publisher } from "./outbox.js";
import { MessageStore, type Messages, type MessagesOptions, NO_MESSAGES, type Store } from "./store.js";

export type { ChannelRef } from "./channel-ref.js";
export type { Publication } from "./outbox.js";
export type { ListedGap, Messages, MessagesOptions } from "./store.js";

/** A value, or a ref or a function that returns it. */
export type MaybeReactive<V> = V | Ref<V> | (() => V);

// Shared by all copies of this module in a page.
const KEY: InjectionKey<Client | undefined> = Symbol.for("seamline.client");

/**
 * The plugin: `app.use(seamline(client))`. Where there is no client, on a server that renders the page, pass
 * `undefined`: lists are empty then, and nothing connects.
 */
export function seamline(client: Client | undefined): Plugin {
  return { install: (app) => void app.provide(KEY, client) };
}

/** The app's client. Throws if it has none. */
export function useClient(): Client {
  const client = useMaybeClient();
  if (client) return client;
  throw new Error("the app has no Seamline client; call useClient() only where it has one, in the browser");
}

/**
 * The messages of a channel as refs: the newest ones, and each later one as it arrives. Another `name` begins a new
 * list. The channel is open while the component is mounted, or until the scope is disposed of.
 */
export function useMessages<T = unknown>(
  name: MaybeReactive<string>,
  options: MessagesOptions<T> = {},
): { [K in keyof Messages<T>]: ComputedRef<Messages<T>[K]> } {
  const client = useMaybeClient();
  const list = useStore<Messages<T>>(() => new MessageStore<T>(client, read(name), options), NO_MESSAGES);
  return {
    messages: computed(() => list.value.messages),
    gaps: computed(() => list.value.gaps),
    isLive: computed(() => list.value.isLive),
    error: computed(() => list.value.error),
  };
}

/** A channel to publish to, and to listen to. The listeners are removed when the scope is disposed of. */
export function useChannel<T = unknown, C = unknown>(name: string, options: ChannelOptions<T> = {}): ChannelRef<T, C> {
  const channel = new ChannelRef<T, C>(useMaybeClient(), name, options);
  onScopeDispose(() => channel._removeAll());
  return channel;
}

/**
 * Publishes to a channel, with optimistic state. `pending` lists the publications whose messages `useMessages` does not
 * show yet, in order: unanswered, stored, or failed. When a message enters the list of `useMessages`, its publication
 * leaves this one in the same update. All components that publish to the channel share the list.
 */
export function usePublish<T = unknown>(
  name: MaybeReactive<string>,
): { publish: (data: T) => void; pending: Readonly<ShallowRef<readonly Publication<T>[]>> } {
  const client = useMaybeClient();
  const publisher = computed(() => new Publisher<T>(client, read(name)));
  const pending = useStore<readonly Publication<T>[]>(() => publisher.value, NO_PUBLICATIONS);
  return { publish: (data) => publisher.value.publish(data), pending };
}

/** The state of the connection. */
export function useConnectionState(): Readonly<ShallowRef<State>> {
  const connection = connectionStore(useMaybeClient());
  return useStore(() => connection, CONNECTING);
}

/** Follows a store in a ref, and another one as soon as `store` returns that. */
function useStore<S>(store: () => Store<S>, initial: S): Readonly<ShallowRef<S>> {
  const snapshot = shallowRef(initial) as ShallowRef<S>;
  let stop = () => {};
  const follow = (store: Store<S>) => {
    stop();
    const update = () => void (snapshot.value = store.getSnapshot());
    stop = store.subscribe(update);
    update();
  };
  const start = () => watch(store, follow, { immediate: true });
  // A server that renders the page never mounts.
  if (getCurrentInstance()) onMounted(start);
  else start();
  onScopeDispose(() => stop());
  return snapshot;
}

function useMaybeClient(): Client | undefined {
  const client = inject<Client | undefined | null>(KEY, null);
  if (client === null) throw new Error("a Seamline composable is used in an app without app.use(seamline(client))");
  return client;
}

function read<V>(value: MaybeReactive<V>): V {
  return typeof value === "function" ? (value as () => V)() : unref(value);
}
