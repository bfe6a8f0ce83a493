import { bytes } from "../text.js";
import type { Backend } from "./backend.js";
import { Feed } from "./feed.js";
import { type ClientFrame, checkChannel, checkKey, checkNames, parse, truncated, write } from "./frames.js";
import { PublicationOrder } from "./order.js";
import { page } from "./page.js";
import type { Owner } from "./positions.js";
import { closeCode, type Refusal, refusal } from "./refusal.js";
import type { Requested } from "./start.js";
import type { TestUser } from "./types.js";
import { authenticate, checkGrant, grants, noLongerGranted } from "./users.js";

/** Subscriptions per connection. */
const CHANNELS_MAX = 1000;

/** The client's end of a connection. */
export interface Wire {
  /** Delivers a frame to the client. */
  send(frame: string): void;
  /** Delivers a close after the frames before it. */
  close(code: number, reason: string): void;
  /** Ends the connection at once, without a close frame. */
  cut(): void;
}

/** What is known of a client that has sent `hello`. */
interface Client {
  owner: Owner;
  user: TestUser;
  /** Only for a client that sends refused publications again. */
  order: PublicationOrder | undefined;
}

type State = { name: "waiting for hello" } | { name: "open"; client: Client } | { name: "closed" };
type Frame<Op extends ClientFrame["op"]> = Extract<ClientFrame, { op: Op }>;

/** The server's end of a connection: reads the client's frames, and acts on them. */
export class Connection {
  readonly feeds = new Map<string, Feed>();
  #state: State = { name: "waiting for hello" };

  constructor(
    private readonly backend: Backend,
    private readonly wire: Wire,
  ) {}

  /** The client, while the connection is open. */
  get client(): Client | undefined {
    return this.#state.name === "open" ? this.#state.client : undefined;
  }

  /** A frame has arrived. */
  receive(data: unknown): void {
    if (this.#state.name === "closed") return;
    const max = this.backend.maxFrameBytes;
    if (typeof data !== "string") return this.close(4400, "the frame is binary; frames must be text");
    if (bytes(data) > max) return this.close(1009, `the frame is too large; the limit is ${max} bytes`);
    const frame = parse(data);
    if ("code" in frame) return this.#refuse(frame);
    if (this.#state.name === "open") return this.#handle(frame, this.#state.client);
    if (frame.op === "hello") return this.#greet(frame);
    this.#refuse(refusal("bad_frame", "the first frame must be `hello`"));
  }

  /** Sends an `err`, about a channel or about the connection. */
  sendError(refused: Refusal, about: { ch?: string | undefined; ref?: number | undefined } = {}): void {
    if (this.#state.name !== "closed") this.wire.send(write("err", { ...refused, ...about }));
  }

  /** Ends a subscription with an `err`. The client subscribes again after `retry_after_ms`. */
  endSubscription(feed: Feed, refused: Refusal): void {
    this.#unsubscribe(feed.ch);
    this.sendError(refused, { ch: feed.ch, ref: feed.ref });
  }

  drain(reconnectInMs: number): void {
    if (this.client) this.wire.send(write("drain", { reconnect_in_ms: reconnectInMs }));
    this.close(1012, "the server restarts");
  }

  close(code: number, reason: string): void {
    if (this.#state.name === "closed") return;
    this.end();
    this.wire.close(code, reason);
  }

  cut(): void {
    this.end();
    this.wire.cut();
  }

  /** The connection is gone. */
  end(): void {
    for (const ch of [...this.feeds.keys()]) this.#unsubscribe(ch);
    this.#state = { name: "closed" };
    this.backend.connections.delete(this);
  }

  #refuse(refused: Refusal): void {
    this.sendError(refused);
    this.close(closeCode(refused), refused.message);
  }

  #greet({ v, client_id: clientId, lineage, token, ordered }: Frame<"hello">): void {
    if (v !== 1) {
      return this.#refuse(refusal("bad_version", `this server speaks version 1 of the protocol, not ${v}`));
    }
    const names = lineage === undefined ? [] : lineage.split(" ");
    const refused = checkNames(clientId, names) ?? this.backend.refusals.take("connect");
    const user = refused ?? authenticate(token, this.backend.authenticate);
    if ("code" in user) return this.#refuse(user);
    const owner = { user: user.user, clientId, lineage: names };
    this.#state = { name: "open", client: { owner, user, order: ordered ? new PublicationOrder() : undefined } };
    this.wire.send(write("welcome", this.backend.welcome()));
  }

  #handle(frame: ReturnType<typeof parse>, client: Client): void {
    if ("code" in frame) return this.#refuse(frame);
    switch (frame.op) {
      case "hello":
        return this.#refuse(refusal("bad_frame", "`hello` was sent already; send it only once"));
      case "sub":
        return this.#subscribe(frame, client);
      case "more":
        return this.feeds.get(frame.ch)?.grant(frame.credit);
      case "unsub":
        return this.#unsubscribe(frame.ch);
      case "pub":
        return this.#publish(frame, client);
      case "cast":
        return this.#cast(frame, client);
      case "ack":
        return this.backend.acknowledge(client.owner, frame.ch, frame);
      case "token":
        return this.#renew(frame.token, client);
      case "read":
        return this.#read(frame, client);
      case "ping":
        return this.wire.send(write("pong"));
      case "unknown": {
        const name = truncated(frame.name);
        return this.sendError(refusal("unknown_op", `the op \`${name}\` is unknown; the frame was ignored`));
      }
    }
  }

  #subscribe({ ch, ref, credit, position, from }: Frame<"sub">, { owner, user }: Client): void {
    const refused = checkChannel(ch) ?? checkGrant(user, "read", ch);
    if (refused) return this.sendError(refused, { ch: truncated(ch), ref });
    this.#unsubscribe(ch);
    const later = this.#checkCount() ?? this.backend.refusals.take("subscribe", ch);
    if (later) return this.sendError(later, { ch, ref });
    const log = this.backend.log(ch);
    const port = {
      send: (frame: string) => this.wire.send(frame),
      later: (step: () => void) => this.backend.transit.add(step),
    };
    const feed = new Feed(ch, ref, credit, log, port);
    this.feeds.set(ch, feed);
    const requested: Requested = position
      ? { name: "position", position }
      : from
        ? { name: "end", end: from }
        : { name: "stored", ...this.backend.positions.resume(owner, ch, log) };
    if (requested.name === "end") this.backend.positions.begin(owner, ch, log.end(requested.end));
    feed.start(requested);
  }

  #checkCount(): Refusal | undefined {
    if (this.feeds.size < CHANNELS_MAX) return undefined;
    const message = `the connection has ${CHANNELS_MAX} subscriptions, the maximum; end one first`;
    return refusal("too_many_channels", message);
  }

  #unsubscribe(ch: string): void {
    this.feeds.get(ch)?.end();
    this.feeds.delete(ch);
  }

  #publish({ ch, key, data }: Frame<"pub">, { user, order }: Client): void {
    const malformed = checkChannel(ch) ?? checkKey(key);
    if (malformed) return this.#nack(truncated(ch), truncated(key), malformed);
    const number = order?.number(ch, key) ?? 0;
    const refused =
      checkGrant(user, "write", ch) ?? this.#checkOrder(ch, number, order) ?? this.backend.refusals.take("publish", ch);
    if (refused?.retry_after_ms === undefined) order?.release(ch, key);
    else order?.hold(ch, key, number);
    if (refused) return this.#nack(ch, key, refused);
    const published = this.backend.publish(ch, data, key);
    if ("code" in published) return this.#nack(ch, key, published);
    this.wire.send(write("puback", { ch, key, ...published }));
  }

  #checkOrder(ch: string, number: number, order: PublicationOrder | undefined): Refusal | undefined {
    if (!order?.overtakes(ch, number)) return undefined;
    const message = `an earlier publication to \`${ch}\` was refused; send that one again before this one`;
    return refusal("out_of_order", message, 100);
  }

  #nack(ch: string, key: string, refused: Refusal): void {
    this.wire.send(write("pubnack", { ch, key, ...refused }));
  }

  #cast({ ch, data }: Frame<"cast">, { user }: Client): void {
    const malformed = checkChannel(ch);
    if (malformed) return this.sendError(malformed, { ch: truncated(ch) });
    const refused = checkGrant(user, "write", ch);
    // With a `ch`, this would end a subscription that is being made: only where that is refused as well.
    if (refused) return this.sendError(refused, grants(user, "read", ch) ? {} : { ch });
    const requested = this.backend.refusals.take("cast", ch);
    if (requested) return this.sendError(requested);
    this.backend.cast(ch, data, this);
  }

  #read({ ch, ref, before, limit }: Frame<"read">, { user }: Client): void {
    const log = this.backend.existing(ch);
    const refused =
      checkChannel(ch) ??
      checkGrant(user, "read", ch) ??
      this.backend.refusals.take("read", ch) ??
      (log
        ? undefined
        : refusal("unknown_channel", `there is no channel \`${ch}\`; a publication or a subscription creates it`));
    if (refused) return this.wire.send(write("readnack", { ref, ch: truncated(ch), ...refused }));
    this.wire.send(page(ch, ref, log!, before, limit));
  }

  #renew(token: string, client: Client): void {
    const user = authenticate(token, this.backend.authenticate);
    if ("code" in user) return this.#refuse(user);
    if (user.user !== client.user.user) {
      const message = "the new token belongs to another user; open a new connection with it";
      return this.#refuse(refusal("forbidden", message));
    }
    client.user = user;
    for (const feed of [...this.feeds.values()]) {
      if (!grants(user, "read", feed.ch)) this.endSubscription(feed, noLongerGranted(feed.ch));
    }
  }
}
