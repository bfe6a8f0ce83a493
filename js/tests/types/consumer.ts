// An application, as far as the compiler is concerned: all of this must compile, and each line under
// an `@ts-expect-error` must not.

import type {
  Channel,
  Client,
  CloseOptions,
  Diagnostic,
  ErrorCode,
  Gap,
  Message,
  Options,
  Position,
  Reason,
  ReasonCode,
  ServerErrorCode,
  State,
  Stats,
} from "seamline";
import { connect, SeamlineError } from "seamline";

interface Chat {
  text: string;
}

const options: Options = {
  token: async ({ refresh }) => (refresh ? "fresh" : null),
  clientId: "tab",
  backoff: { initialMs: 100, maxMs: 5000 },
  connectTimeoutMs: 1,
  tokenTimeoutMs: 1,
  heartbeatMs: 1,
  pongTimeoutMs: 1,
  probeTimeoutMs: 1,
  stableMs: 1,
  ackIntervalMs: 1,
  replayCredit: 1,
  queueMessages: 1,
  queueBytes: 1,
  outboxMessages: 1,
  logger: console,
};
const client: Client = connect(new URL("wss://example.org/ws"), options);
connect("wss://example.org/ws");
connect("wss://example.org/ws", { token: "t", wasm: new Uint8Array(8) });
connect("wss://example.org/ws", { wasm: fetch("x.wasm"), logger: {} });
connect("wss://example.org/ws", { WebSocket });
connect("wss://example.org/ws", { wasm: new URL("x.wasm", import.meta.url) });
connect("wss://example.org/ws", { wasm: WebAssembly.compileStreaming(fetch("x.wasm")) });
connect("wss://example.org/ws", { wasm: await WebAssembly.compileStreaming(fetch("x.wasm")) });
// @ts-expect-error no form of WebAssembly
connect("wss://example.org/ws", { wasm: 5 });
// @ts-expect-error not a URL
connect({ href: "wss://example.org/ws" });

// @ts-expect-error a misspelt option
connect("wss://example.org/ws", { clientID: "tab" });
// @ts-expect-error a misspelt option inside
connect("wss://example.org/ws", { backoff: { maxMS: 1 } });
// @ts-expect-error a wrong type
connect("wss://example.org/ws", { heartbeatMs: "5" });
// @ts-expect-error what makes no WebSockets
connect("wss://example.org/ws", { WebSocket: class {} });
// @ts-expect-error a token function that returns nothing
connect("wss://example.org/ws", { token: () => {} });

export function last(client: Client): string {
  const past: readonly Diagnostic[] = client.diagnostics();
  return past.map((what) => `${what.at} ${"state" in what ? what.state.name : what.event}`).join();
}

export function describe(state: State): string {
  switch (state.name) {
    case "connecting":
    case "open":
      // @ts-expect-error only where there is no connection
      return state.reason.message;
    case "waiting":
      return `${state.attempt} ${new Date(state.retryAt)} ${state.reason.code} ${state.reason.closeCode ?? ""}`;
    case "closed":
      // @ts-expect-error nothing is waited for
      state.retryAt;
      return state.reason.message;
    default: {
      const none: never = state; // every state was named
      return none;
    }
  }
}
// @ts-expect-error not before its name is known
client.state.reason;
if (client.state.name === "closed") describeReason(client.state.reason);
// @ts-expect-error there is no such state
client.state.name === "opened";

function describeReason({ code }: Reason): boolean {
  // @ts-expect-error there is no such reason
  return code === "because" || code === "unauthorized";
}

const channel: Channel<Chat> = client.channel<Chat>("room", { from: "start", redeliver: { attempts: 3, delayMs: 50 } });
client.channel("room", { from: { epoch: "e", offset: 1 } });
// @ts-expect-error there is no such place
client.channel("room", { from: "end" });
// @ts-expect-error a misspelt option
client.channel("room", { form: "start" });

const off: () => void = channel.on("message", ({ id, offset, data, replayed }: Message<Chat>) => {
  const text: string = data.text;
  console.log(id, offset, text, replayed);
});
channel.on("message", async (message) => console.log(message.data.text));
channel.on("gap", ({ from, to, reason }: Gap) => console.log(from, to?.toFixed(), reason));
channel.on("cast", (data) => {
  // @ts-expect-error anything may come from others
  data.typing;
});
channel.on("live", () => {});
channel.on("error", (error: unknown, message) => {
  if (error instanceof SeamlineError) console.log(error.code, error.message, message?.data.text);
});
// @ts-expect-error there is no such event
channel.on("mesage", () => {});
// @ts-expect-error a payload of another type
channel.on("message", ({ data }) => data.txt);
client.on("state", (state) => console.log(describe(state)));
const abort = new AbortController();
const offOnce: () => void = client.once("state", ({ name }) => console.log(name), { signal: abort.signal });
channel.once("message", ({ data }) => console.log(data.text), { signal: undefined });
channel.on("gap", () => {}, { signal: AbortSignal.timeout(1000) });
// @ts-expect-error a controller is no signal
channel.on("gap", () => {}, { signal: abort });
// @ts-expect-error `once` is a method
channel.on("gap", () => {}, { once: true });
client.on("error", (error) => console.error(error));

/** Under `exactOptionalPropertyTypes`, an option that an application passes on may be undefined. */
export function passOn(options: {
  token: string | undefined;
  heartbeatMs: number | undefined;
  key: string | undefined;
  position: Position | undefined;
  delayMs: number | undefined;
}): Client {
  const { token, heartbeatMs, key, position, delayMs } = options;
  const client = connect("/ws", { token, heartbeatMs, backoff: { maxMs: delayMs }, plain: undefined });
  client.channel("room", { from: position, redeliver: { attempts: 1, delayMs } }).publish("hi", { key });
  client.close({ flushMs: delayMs });
  return client;
}

export async function run(): Promise<void> {
  const ready: Promise<void> = client.ready();
  await Promise.all([ready, channel.ready()]);
  offOnce();
  const { id, offset } = await channel.publish({ text: "hi" }, { key: "k" });
  const total: number = offset;
  console.log(id.split("-"), total);
  channel.cast({ typing: true });
  for await (const message of channel) console.log(message.data.text.length);
  const position: Position | undefined = channel.position;
  const last: string | undefined = channel.lastMessageId;
  const stats: Stats = client.stats();
  console.log(position?.epoch, last, stats.delivered - stats.duplicates);
  // @ts-expect-error it may not be known yet
  channel.position.offset;
  // @ts-expect-error what is internal cannot be called
  channel._deliver;
  // @ts-expect-error the name is fixed
  channel.name = "other";
  // @ts-expect-error a client is made with connect()
  new Client("wss://example.org/ws", {});
  off();
  channel.close();
  const closeOptions: CloseOptions = { flushMs: 100 };
  await client.close(closeOptions);
  const closed: Promise<void> = client.close();
  await closed;
  // @ts-expect-error a misspelt option
  client.close({ flush: 100 });
  client.connect();
}
// @ts-expect-error a listener must be there
channel.on("message", undefined);
// @ts-expect-error a listener must be a function
client.on("state", "f");

/** Another server may have codes of its own. */
export function mayRetry(error: SeamlineError): boolean {
  const code: ErrorCode = error.code;
  return code === "too_fast" || code === "a_code_of_another_server";
}
export const known: ServerErrorCode = "log_error";
export const reason: ReasonCode = "connection_lost";
// @ts-expect-error not a code of the server
export const unknown: ServerErrorCode = "because";
