import { initSync, Engine as Native } from "../pkg/seamline.js";
import { SeamlineError } from "./error.js";
import type { Socket } from "./socket.js";
import type { Options } from "./types.js";

/** What the wasm does when it is called, as in `src/wasm/mod.rs`, with what the arguments of `call` are, and the result. */
export enum Call {
  /** The page may be about to go, or to be cut off. */
  Hide = 0,
  /** It came back in some way: online, visible, resumed, restored. */
  Wake = 1,
  /** It goes into the back/forward cache. */
  Suspend = 2,
  Connect = 3,
  Close = 4,
  /** The timer has fired. */
  Timeout = 5,
  /** id: socket; returns 0 in the middle of another call: the report has to be made again */
  SocketOpen = 6,
  /** id: socket; value: what came; returns the same */
  SocketMessage = 7,
  /** id: socket; a: the reason, or else the known cause; x: the close code; returns the same */
  SocketClosed = 8,
  /**
   * a: name; b: epoch; x: offset to go on after, or -2: at the start, -3: at the tail, -1: where the server last knew
   * this client id to be; value: the position's id, or empty; returns the channel
   */
  Subscribe = 9,
  /** a: name; for ephemeral events only; returns the channel */
  SubscribeToCasts = 10,
  /** id: channel */
  Unsubscribe = 11,
  /** a: name; b: key; x: bytes of the payload; value: it, as JSON text; returns the publication */
  Publish = 12,
  /** a: name; x: bytes of the payload; value: it, as JSON text; returns 1 */
  Cast = 13,
  /** id: channel; b: epoch; x: offset; y: how many more messages; value: the position's id, or empty */
  Processed = 14,
  /** id: which time; a: the token, or empty for none */
  Token = 15,
  /** id: which time; a: what went wrong */
  TokenFailed = 16,
  /** id: place in the wasm's counts; returns the count */
  Stat = 17,
}

/** A session in the wasm. */
export interface Engine {
  /** Where it returns an id, 0 means that the call was refused; `Kind.Refused` came before. */
  call(kind: Call, id?: number, a?: string, b?: string, x?: number, y?: number, value?: unknown): number;
  free(): void;
}

/**
 * Makes sessions. `lineage` has the names of the page loads, if there are any; `numbers` are the options that are numbers, in
 * the wasm's order.
 */
export type EngineClass = new (
  url: string,
  clientId: string,
  lineage: string | undefined,
  numbers: unknown,
  hasToken: boolean,
  host: Host,
) => Engine;

/** What the wasm tells, as in `src/wasm/mod.rs`, with what the arguments of `emit` are. */
export enum Kind {
  Connecting = 0,
  Open = 1,
  /** a: reason's code; b: its message; x: attempt; y: retry in ms; z: close code or 0 */
  Waiting = 2,
  /** a: reason's code; b: its message; z: close code or 0 */
  Closed = 3,
  /** id: channel; a: epoch; x: offset */
  Attached = 4,
  /** id: channel; x: how many messages to skip; value: the `msgs` frame */
  Deliver = 5,
  /** id: channel; a: reason; b: epoch; x: from; y: to, or 0; z: the offset to go on after */
  Gap = 6,
  /** id: channel */
  Live = 7,
  /** id: channel; value: the payload */
  Cast = 8,
  /** id: publication; a: the message's id; x: its offset */
  Published = 9,
  /** id: publication; a: code; b: message */
  PublishFailed = 10,
  /** id: channel, or 0; a: code; b: message */
  Error = 11,
  /** id: which time; x: 1 to refresh */
  FetchToken = 12,
  /** a: code; b: message; the call at hand was refused */
  Refused = 13,
}

/** A `msgs` frame: a contiguous run of messages. */
export interface Frame {
  n: number;
  /** In the plain dialect, `position` is the id of the position after them, or empty for none. An array parsed from JSON cannot have it. */
  ids: string[] & { position?: string };
  data: unknown[];
  /** Only `true` counts. */
  replay?: unknown;
}

/** What the wasm calls. Must not throw. */
export interface Host {
  emit(kind: number, id: number, a: string, b: string, x: number, y: number, z: number, value: unknown): void;
  /** Makes a WebSocket of the client's dialect, or returns the cause if that fails. */
  socket(id: number, url: string): Socket | string;
  /** Sets the one timer, or clears it if the time is negative. */
  timer(waitMs: number): void;
}

const loading: Record<string, Promise<EngineClass> | undefined> = {};

/** Loads the wasm of a dialect, once for all clients of a page. A failure is forgotten, so that it can be tried again. */
export async function load({ wasm, dialect = "seamline", WebSocket: Own }: Options): Promise<EngineClass> {
  if (!(Own ?? globalThis.WebSocket)) {
    throw new SeamlineError(
      "no_websocket",
      "this runtime has no WebSocket: pass one, such as that of the npm package ws, as the option `WebSocket`",
    );
  }
  if (!globalThis.WebAssembly) {
    throw new SeamlineError(
      "wasm_failed",
      "this runtime has no WebAssembly; if Lockdown Mode is on, exclude this site from it",
    );
  }
  return (loading[dialect] ??= start(wasm, dialect).catch((error: unknown) => {
    loading[dialect] = undefined;
    throw error;
  }));
}

async function start(wasm: Options["wasm"], dialect: string): Promise<EngineClass> {
  // The plain dialect has its own wasm and glue: whoever does not need it should not download it.
  if (dialect === "plain") return (await import("./plain.js")).load(wasm, compile);
  initSync({ module: await compile(wasm, () => new URL("./seamline.wasm", import.meta.url)) });
  return Native;
}

/** Compiles what the application gave, or else the wasm beside the script. The glue's own loader can do more, and is larger. */
async function compile(wasm: Options["wasm"], locate: () => URL): Promise<WebAssembly.Module> {
  let source = await (wasm ?? beside(locate));
  if (typeof source === "string" || source instanceof URL) source = await fetch(source);
  if (source instanceof Response) {
    if (!source.ok) throw new Error(`HTTP ${source.status} for ${source.url}`);
    source = await source.arrayBuffer();
  }
  return source instanceof WebAssembly.Module ? source : WebAssembly.compile(source);
}

type NodeGlobal = { process: { getBuiltinModule(name: string): { readFileSync(url: URL): BufferSource } } };

/**
 * Where the wasm beside a script can be had. Where that is a file, as in Node, `fetch` does not read it; and an
 * `import` of what does would trouble bundlers. In a bundle without modules there is no `import.meta.url`, and so no URL.
 */
function beside(locate: () => URL): URL | BufferSource {
  try {
    const url = locate();
    if (url.protocol !== "file:") return url;
    return (globalThis as unknown as NodeGlobal).process.getBuiltinModule("node:fs").readFileSync(url);
  } catch (error) {
    throw new SeamlineError(
      "wasm_failed",
      `the WebAssembly is not beside the script (${error}): pass the option \`wasm\``,
    );
  }
}
