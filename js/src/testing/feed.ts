import { bytes } from "../text.js";
import { write } from "./frames.js";
import type { Log, LogMessage } from "./log.js";
import { decide, type Requested } from "./start.js";

/** What a frame may have, at least one message. */
export const MESSAGES_MAX = 500;
export const BYTES_MAX = 96 * 1024;
/** How many ephemeral events wait for the end of a replay. */
const CASTS_MAX = 16;

/** What a feed needs of its connection. */
export interface FeedPort {
  send(frame: string): void;
  /** Makes a step later, in order. */
  later(step: () => void): void;
}

type State =
  /** Reads the log, as far as the credit goes. */
  { name: "replaying"; casts: string[] } | { name: "live" } | { name: "ended" };

/** One subscription: the replay, the seam, and the live stream. */
export class Feed {
  #state: State = { name: "replaying", casts: [] };
  /** Messages of the live stream. They wait for the end of the replay, and then for those published together. */
  #live: LogMessage[] = [];
  #epoch = "";
  #sent = 0;

  constructor(
    readonly ch: string,
    readonly ref: number | undefined,
    private credit: number,
    private readonly log: Log,
    private readonly port: FeedPort,
  ) {}

  /** Sends `subd`, and begins the replay. */
  start(requested: Requested): void {
    const { after, ...start } = decide(requested, this.log);
    const { epoch, first, head } = this.log;
    this.#send("subd", { epoch, first, head, ...start, ...this.#ref });
    [this.#epoch, this.#sent] = [epoch, after];
    this.#state = { name: "replaying", casts: [] };
    this.#replay();
  }

  /** The log was replaced, or is shorter: crosses the seam again, on the open connection. */
  restart(): void {
    this.#live = [];
    if (this.#state.name === "ended") return;
    this.start({ name: "position", position: { epoch: this.#epoch, offset: this.#sent } });
  }

  grant(credit: number): void {
    this.credit += credit;
    this.#replay();
  }

  /** A message was published. */
  message(message: LogMessage): void {
    if (this.#live.push(message) === 1) this.port.later(() => this.#stream());
  }

  cast(json: string): void {
    if (this.#state.name === "live") return this.#sendCast(json);
    if (this.#state.name === "replaying") this.#state.casts = [...this.#state.casts, json].slice(-CASTS_MAX);
  }

  end(): void {
    this.#state = { name: "ended" };
  }

  #replay(): void {
    if (this.#state.name !== "replaying") return;
    const page = this.log.after(this.#sent, this.credit);
    for (const run of runs(page)) this.#sendRun(run, true);
    this.credit -= page.length;
    // After a trim, nothing may be left up to the head.
    if (this.log.after(this.#sent).length === 0) this.#goLive(this.#state.casts);
  }

  #goLive(casts: string[]): void {
    this.#sent = this.log.head;
    this.#state = { name: "live" };
    this.#send("live", { head: this.#sent, ...this.#ref });
    this.#stream();
    for (const json of casts) this.#sendCast(json);
  }

  /** Sends what was published. What the replay has sent already is sent again: the client knows what it has seen. */
  #stream(): void {
    if (this.#state.name !== "live") return;
    for (const run of runs(this.#live.splice(0))) this.#sendRun(run, false);
  }

  #sendRun(run: readonly LogMessage[], replay: boolean): void {
    const [first, last] = [run[0]!, run.at(-1)!];
    this.#sent = Math.max(this.#sent, last.offset);
    const head = write("msgs", { ch: this.ch, n: first.offset, ids: run.map(({ id }) => id) }).slice(0, -1);
    const data = run.map(({ json }) => json).join(",");
    this.port.send(`${head},"data":[${data}]${replay ? ',"replay":true' : ""}}`);
  }

  #sendCast(json: string): void {
    this.port.send(`${write("cast", { ch: this.ch }).slice(0, -1)},"data":${json}}`);
  }

  #send(op: string, fields: object): void {
    this.port.send(write(op, { ch: this.ch, ...fields }));
  }

  get #ref(): { ref?: number } {
    return this.ref === undefined ? {} : { ref: this.ref };
  }
}

/** Messages in frames that are not too large. */
function* runs(messages: readonly LogMessage[]): Generator<LogMessage[]> {
  let run: LogMessage[] = [];
  let size = 0;
  for (const message of messages) {
    size += bytes(message.json);
    if (run.length > 0 && (run.length === MESSAGES_MAX || size > BYTES_MAX)) {
      yield run;
      [run, size] = [[], bytes(message.json)];
    }
    run.push(message);
  }
  if (run.length > 0) yield run;
}
