// A program whose compiler knows neither the DOM nor Node.js.
import { connect, type Options } from "seamline";

declare const WebSocket: Options["WebSocket"];

export async function run(): Promise<string> {
  const client = connect("wss://example.org/ws", { WebSocket, wasm: new Uint8Array(8) });
  for await (const { data } of client.channel<string>("room")) return data;
  return "";
}
