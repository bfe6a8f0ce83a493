// An ES module of a page.
import { type Channel, type Client, connect, type Message, type Options, SeamlineError, type State } from "seamline";
import { connect as connectInline } from "seamline/inline";
import { plain } from "seamline/plain";
import { plain as plainSlim } from "seamline/plain-slim";
import { connect as connectSlim } from "seamline/slim";
import { createTestServer, type TestServer } from "seamline/testing";

interface Chat {
  text: string;
}

const options: Options = { WebSocket, clientId: undefined, token: async () => "token", logger: console };
const client: Client = connect(new URL("wss://example.org/ws"), options);
const room: Channel<Chat> = client.channel<Chat>("room", { from: "start" });
const stop = new AbortController();
const off: () => void = room.on("message", ({ data }: Message<Chat>) => data.text.length, { signal: stop.signal });
room.on("error", (error: unknown) => error instanceof SeamlineError && console.error(error.code));

export async function run(): Promise<void> {
  await client.ready();
  await room.publish({ text: "hi" });
  // @ts-expect-error a payload of another type
  await room.publish({ txt: "hi" });
  // @ts-expect-error payloads have another property
  room.on("message", ({ data }) => data.txt);
  // @ts-expect-error a misspelled option
  connect("wss://example.org/ws", { clientID: "tab" });
  for await (const message of room) console.log(message.offset, message.data.text);
  off();
  await client.close();
}

export function describe(state: State): string {
  return state.name === "waiting" ? `${new Date(state.retryAt)}: ${state.reason.message}` : state.name;
}

connectInline("wss://example.org/ws", { dialect: plain });
connectSlim("wss://example.org/ws", { wasm: fetch("seamline.wasm"), dialect: plainSlim });
export const server: TestServer = createTestServer();
