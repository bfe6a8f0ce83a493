// An application whose compiler knows neither the DOM nor Node: `lib: ["es2022"]` and `types: []`.
import { type Channel, type Client, connect, type ListenerOptions, type Options, SeamlineError } from "seamline";
import { connect as connectInline } from "seamline/inline";
import { plain } from "seamline/plain";
import { plain as plainSlim } from "seamline/plain-slim";
import { connect as connectSlim } from "seamline/slim";
import { state } from "seamline/state";
import { indexedDb } from "seamline/storage";

declare class OwnWebSocket {
  constructor(url: string, protocol?: string);
  bufferedAmount: number;
  readyState: number;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

export const options: Options = { WebSocket: OwnWebSocket, wasm: new Uint8Array(8), dialect: plain };
const client: Client = connect("wss://example.org/ws", options);
connectInline("wss://example.org/ws", { dialect: plainSlim });
connectSlim("wss://example.org/ws", { wasm: new ArrayBuffer(8), storage: indexedDb("app") });

export async function run(signal: NonNullable<ListenerOptions["signal"]>): Promise<string> {
  const room: Channel<string> = client.channel<string>("room");
  room.on("message", ({ data }) => data.length, { signal });
  client.channel("doc", { from: state((_cause, request) => (request.signal.aborted ? Promise.reject() : "start")) });
  await client.ready();
  for await (const { data } of room) return data;
  throw new SeamlineError("closed", "the loop ended");
}
