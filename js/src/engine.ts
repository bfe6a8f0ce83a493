import { Engine, initSync } from "../pkg/seamline.js";
import { SeamlineError } from "./error.js";
import type { Socket } from "./socket.js";
import type { Options } from "./types.js";

export type { Engine };

/** What the wasm tells, as in `src/wasm/mod.rs`, with what the arguments of `emit` are. */
export const enum Kind {
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

const loading: Record<string, Promise<typeof Engine> | undefined> = {};

/** Loads the wasm of a dialect, once for all clients of a page. A failure is forgotten, so that it can be tried again. */
export async function load({ wasm, dialect = "seamline", WebSocket: Own }: Options): Promise<typeof Engine> {
  if (!(Own ?? globalThis.WebSocket)) {
    throw new SeamlineError("no_websocket", "this runtime has no WebSocket: pass one, such as that of the npm package ws, as the option `WebSocket`");
  }
  if (!globalThis.WebAssembly) {
    throw new SeamlineError("wasm_failed", "this runtime has no WebAssembly; if Lockdown Mode is on, exclude this site from it");
  }
  return (loading[dialect] ??= start(wasm, dialect).catch((error: unknown) => {
    loading[dialect] = undefined;
    throw error;
  }));
}

async function start(wasm: Options["wasm"], dialect: string): Promise<typeof Engine> {
  // The plain dialect has its own wasm and glue: whoever does not need it should not download it.
  if (dialect === "plain") return (await import("./plain.js")).load(wasm, compile);
  initSync({ module: await compile(wasm, () => new URL("./seamline.wasm", import.meta.url)) });
  return Engine;
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

/**
 * Where the wasm beside a script can be had. Where that is a file, as in Node, `fetch` does not read it; and an
 * `import` of what does would trouble bundlers. In a bundle without modules there is no `import.meta.url`, and so no URL.
 */
function beside(locate: () => URL): URL | BufferSource {
  try {
    const url = locate();
    return url.protocol === "file:" ? (globalThis as any).process.getBuiltinModule("node:fs").readFileSync(url) : url;
  } catch (error) {
    throw new SeamlineError("wasm_failed", `the WebAssembly is not beside the script (${error}): pass the option \`wasm\``);
  }
}
