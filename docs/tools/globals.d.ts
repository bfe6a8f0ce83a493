// What the code in the guides uses without declaring it.
import type { Channel, Client } from "seamline";
import type { TestServer } from "seamline/testing";

declare global {
  const client: Client;
  const room: Channel<any>;
  const server: TestServer;
  const vi: { advanceTimersByTimeAsync(ms: number): Promise<unknown> };
  function fetchToken(): Promise<string>;
  function show(...what: unknown[]): void;
  function save(what: unknown): Promise<void>;
  function hideSpinner(): void;
}
