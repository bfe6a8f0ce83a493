// What the code in the guides uses without declaring it.
import type { Channel, Client } from "seamline";

declare global {
  const client: Client;
  const room: Channel<any>;
  const stored: unknown;
  function show(...what: unknown[]): void;
  function save(what: unknown): Promise<void>;
  function hideSpinner(): void;
}
