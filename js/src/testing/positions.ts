import type { Position } from "../types.js";
import type { Log } from "./log.js";

/** A client and its page loads, newest first. */
export interface Owner {
  user: string;
  clientId: string;
  lineage: readonly string[];
}

/** Acknowledged positions: one for each page load of a client, and one for the client. */
export class Positions {
  #stored = new Map<string, Position>();

  /** Stores what a client has acknowledged, unless it is not a position of this log. */
  acknowledge(owner: Owner, ch: string, position: Position, log: Log): void {
    if (position.epoch !== log.epoch || position.offset > log.head) return;
    for (const key of new Set([ownKey(owner, ch), clientKey(owner, ch)])) this.#advance(key, position);
  }

  /** The position at which a client resumes. It is stored for the page load. */
  resume(owner: Owner, ch: string, log: Log): { position: Position; found: boolean } {
    const keys = [...owner.lineage.map((name) => pageLoadKey(owner, name, ch)), clientKey(owner, ch)];
    const stored = keys.map((key) => this.#stored.get(key)).find((position) => position !== undefined);
    const position = stored ?? log.end("tail");
    if (owner.lineage.length > 0) this.#stored.set(ownKey(owner, ch), position);
    return { position, found: stored !== undefined };
  }

  /** Stores where a page load begins. One that ends before it has processed anything is continued there. */
  begin(owner: Owner, ch: string, position: Position): void {
    if (owner.lineage.length > 0) this.#advance(ownKey(owner, ch), position);
  }

  /** The position of the client. */
  of(owner: Owner, ch: string): Position | undefined {
    return this.#stored.get(clientKey(owner, ch));
  }

  #advance(key: string, position: Position): void {
    const stored = this.#stored.get(key);
    const isBehind = stored?.epoch === position.epoch && position.offset < stored.offset;
    if (!isBehind) this.#stored.set(key, position);
  }
}

const clientKey = ({ user, clientId }: Owner, ch: string) => JSON.stringify([user, clientId, ch]);
const pageLoadKey = ({ user, clientId }: Owner, name: string, ch: string) => JSON.stringify([user, clientId, ch, name]);

/** The key of the page load; without one, that of the client. */
const ownKey = (owner: Owner, ch: string) =>
  owner.lineage[0] === undefined ? clientKey(owner, ch) : pageLoadKey(owner, owner.lineage[0], ch);
