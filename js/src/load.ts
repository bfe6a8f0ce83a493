import { initSync, Engine as Native } from "../pkg/seamline.js";
import type { EngineClass } from "./boundary.js";
import { SeamlineError, text } from "./error.js";
import { follow } from "./follow.js";
import type { Options, Reason } from "./types.js";

/** When the wasm cannot be fetched, the next attempts follow after this, doubled up to 16 times as long. */
const RETRY_MS = 1000;

const engines: Record<string, Promise<EngineClass> | undefined> = {};

/** Learns what becomes of loading the wasm. */
export interface Loading {
  _loaded(Loaded: EngineClass): void;
  /** The network may be down when the page loads: the next attempt is made at `retryAt`. */
  _waiting(attempt: number, retryAt: number, reason: Reason): void;
  /** What was fetched is not our wasm, or something is missing that a retry cannot bring. */
  _failed(reason: Reason): void;
}

/** Loads the wasm, and retries if it cannot be fetched. The returned function stops that. */
export function loadWithRetries(options: Options, loading: Loading): () => void {
  let stop: () => void;
  const attempt = (failures: number) => {
    const failed = (error: unknown) => {
      const what = text(error);
      const reason: Reason = { code: "wasm_failed", message: `could not load the WebAssembly: ${what}` };
      if (error instanceof SeamlineError) Object.assign(reason, { code: error.code, message: error.message });
      const { wasm } = options;
      const fetched = wasm === undefined || typeof wasm === "string" || wasm instanceof URL;
      if (!fetched || /^(Compile|Link|Seamline)Error/.test(what)) return loading._failed(reason);
      const waitMs = RETRY_MS * 2 ** Math.min(failures, 4);
      const timer = setTimeout(attempt, waitMs, failures + 1);
      stop = () => clearTimeout(timer);
      loading._waiting(failures + 1, Date.now() + waitMs, reason);
    };
    stop = follow(load(options), (Loaded) => loading._loaded(Loaded), failed);
  };
  attempt(0);
  return () => stop();
}

/**
 * Loads the wasm of a dialect, once for all clients of a page. A failure is forgotten, so that it can be tried again.
 */
async function load({ wasm, dialect = "seamline", WebSocket: Own }: Options): Promise<EngineClass> {
  if (!(Own ?? globalThis.WebSocket)) {
    throw new SeamlineError("no_websocket", "WebSocket is missing; pass the option `WebSocket`");
  }
  if (!globalThis.WebAssembly) {
    throw new SeamlineError("wasm_failed", "WebAssembly is missing; turn off Lockdown Mode for this site");
  }
  engines[dialect] ??= start(wasm, dialect).catch((error: unknown) => {
    engines[dialect] = undefined;
    throw error;
  });
  return engines[dialect];
}

async function start(wasm: Options["wasm"], dialect: string): Promise<EngineClass> {
  // The plain dialect has its own wasm and glue: a page that does not use it does not download it.
  if (dialect === "plain") return (await import("./plain.js")).load(wasm, compile);
  initSync({ module: await compile(wasm, () => new URL("./seamline.wasm", import.meta.url)) });
  return Native;
}

/**
 * Compiles what the application passed, or else the wasm beside the script. The glue's own loader can do more, and is
 * larger.
 */
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
 * The wasm beside a script: its URL or, where that is a file, as in Node, its bytes. There `fetch` cannot read it, and
 * an `import` of something that can would fail in bundlers. In a bundle without modules there is no `import.meta.url`,
 * and so no URL.
 */
function beside(locate: () => URL): URL | BufferSource {
  try {
    const url = locate();
    if (url.protocol !== "file:") return url;
    return (globalThis as unknown as NodeGlobal).process.getBuiltinModule("node:fs").readFileSync(url);
  } catch (error) {
    throw new SeamlineError("wasm_failed", `could not load the WebAssembly: ${text(error)}; pass the option \`wasm\``);
  }
}
