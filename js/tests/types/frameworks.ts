// An application's use of the framework entries: what its compiler must accept, and what it must not.
import type { Client, Message, StandardSchema, State } from "seamline";
import * as react from "seamline/react";
import * as solid from "seamline/solid";
import * as svelte from "seamline/svelte";
import * as vue from "seamline/vue";
import { createApp, ref } from "vue";

type Chat = { text: string };
declare const client: Client;

export function InReact() {
  const { messages, gaps, isLive, error } = react.useMessages<Chat>("room", { from: "start", limit: 10 });
  const texts: string[] = messages.map(({ data }) => data.text);
  const places: (string | undefined)[] = gaps.map(({ after }) => after);
  const { publish, pending } = react.usePublish<Chat>("room");
  publish({ text: "hello" });
  // @ts-expect-error: it is no chat message
  publish("hello");
  for (const publication of pending) {
    if (publication.status === "failed") publication.retry();
    // @ts-expect-error: only what has failed can be published again
    else publication.retry();
  }
  const labels = pending.map(({ data, status, error }) => (status === "failed" ? String(error) : data.text));
  const channel = react.useChannel<Chat>("room");
  channel.on("message", ({ data }: Message<Chat>) => data.text);
  const typed = react.useChannel<Chat, { typing: string }>("room");
  typed.cast({ typing: "Ann" });
  typed.on("cast", ({ typing }) => typing.toUpperCase());
  const state: State = react.useConnectionState();
  const same: Client = react.useClient();
  return react.SeamlineProvider({ client: same, children: [texts, labels, places, isLive, String(error), state.name] });
}

// @ts-expect-error: an option must be known
react.useMessages("room", { form: "start" });

declare const schema: StandardSchema<unknown, Chat>;
export const InferredText = (): string | undefined =>
  react.useMessages("room", { validate: schema }).messages[0]?.data.text;
svelte.createMessages(client, "room", { validate: schema }).subscribe(({ messages }) => messages[0]?.data.text);

createApp({}).use(vue.seamline(client));
const name = ref("room");
const list = vue.useMessages<Chat>(name);
export const first: string | undefined = list.messages.value[0]?.data.text;
export const stateName: string = vue.useConnectionState().value.name;
vue.usePublish<Chat>(() => name.value).publish({ text: "hello" });

svelte.createMessages<Chat>(undefined, "room").subscribe(({ messages }) => messages[0]?.data.text);
svelte.createPublisher<Chat>(client, "room").publish({ text: "hello" });

export const inSolid = (): string | undefined => solid.createMessages<Chat>(() => "room").messages[0]?.data.text;
solid.createPublisher<Chat>("room").publish({ text: "hello" });
