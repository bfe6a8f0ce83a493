// The types of payloads and casts: from a schema of a library, or written by hand.
import type { Channel, ChannelOptions, Message, StandardSchema } from "seamline";
import { connect } from "seamline";
import * as v from "valibot";
import { z } from "zod";

interface Chat {
  text: string;
}
interface Typing {
  typing: boolean;
}

const client = connect("wss://example.org/ws");
const zod: Channel<Chat> = client.channel("room", { validate: z.object({ text: z.string() }) });
const valibot: Channel<Chat> = client.channel("room", { validate: v.object({ text: v.string() }) });
for (const channel of [zod, valibot]) channel.on("message", ({ data }) => data.text.length);

const lengths = client.channel("room", { validate: z.string().transform((text) => text.length) });
lengths.on("message", ({ data }) => data.toFixed());
// @ts-expect-error the output of the schema, not its input
lengths.on("message", ({ data }) => data.length);

// @ts-expect-error the schema has another output
client.channel<Chat>("room", { validate: z.object({ text: z.number() }) });
// @ts-expect-error not a schema
client.channel("room", { validate: (data: unknown) => data });

declare const own: StandardSchema<unknown, Chat>;
const options: ChannelOptions<Chat> = { from: undefined, redeliver: undefined, validate: own };
const chat: Channel<Chat, Typing> = client.channel<Chat, Typing>("room", options);
chat.on("batch", (messages: readonly Message<Chat>[]) => messages.map(({ data }) => data.text));
chat.on("batch", async (messages) => {
  // @ts-expect-error the array is shared with the other listeners
  messages.pop();
});
chat.on("cast", ({ typing }) => typing === true);
chat.cast({ typing: true });
// @ts-expect-error a cast of another type
chat.cast({ text: "hi" });
void chat.publish({ text: "hi" });
// @ts-expect-error a payload of another type
void chat.publish({ typing: true });
void client.channel("room").publish({ anything: 1 });
