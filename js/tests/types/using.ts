// An application that uses `using`: TypeScript 5.2 or later, with the library `esnext.disposable`.
import { type Channel, type Client, connect } from "seamline";

export async function run(): Promise<void> {
  await using client: Client = connect("wss://example.org/ws");
  using room: Channel<string> = client.channel<string>("room");
  await room.publish("hi");
  const closed: Promise<void> = client[Symbol.asyncDispose]();
  await closed;
  // @ts-expect-error a client is closed asynchronously
  client[Symbol.dispose]();
}
