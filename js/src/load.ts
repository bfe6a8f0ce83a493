import type { EngineClass } from "./boundary.js";
import type { Dialect, Wasm } from "./dialect.js";
import { SeamlineError, text } from "./error.js";
import { follow } from "./follow.js";
import { plainBeside } from "./plain-beside.js";
import type { Options, Reason } from "./types.js";

/** When the wasm cannot be fetched, the next attempts follow after this, doubled up to 16 times as long. */
const RETRY_MS = 1000;

/** What has been started, or is being started, once for all clients of a page. */
const engines = new Map<Dialect, Promise<EngineClass>>();

/** Learns what becomes of loading the wasm. */
export interface Loading {
  _loaded(Loaded: EngineClass): void;
  /** The network may be down when the page loads: the next attempt is made at `retryAt`. */
  _waiting(attempt: number, retryAt: number, reason: Reason): void;
  /** What was fetched is not our wasm, or something is missing that a retry cannot bring. */
  _failed(reason: Reason): void;
}

/** Loads the wasm, and retries if it cannot be fetched. The returned function stops that. */
export function loadWithRetries(options: Options, seamline: Dialect, loading: Loading): () => void {
  let stop: () => void;
  const attempt = (failures: number) => {
    const failed = (error: unknown) => {
      const what = text(error);
      const reason: Reason = { code: "wasm_failed", message: `could not load the WebAssembly: ${what}` };
      if (error instanceof SeamlineError) Object.assign(reason, { code: error.code, message: error.message });
      const { wasm } = options;
      const fetched = typeof wasm === "string" || wasm instanceof URL;
      if (!fetched || /^(Compile|Link|Seamline)Error/.test(what)) return loading._failed(reason);
      const waitMs = RETRY_MS * 2 ** Math.min(failures, 4);
      const timer = setTimeout(attempt, waitMs, failures + 1);
      stop = () => clearTimeout(timer);
      loading._waiting(failures + 1, Date.now() + waitMs, reason);
    };
    stop = follow(load(options, seamline), (Loaded) => loading._loaded(Loaded), failed);
  };
  attempt(0);
  return () => stop();
}

/**
 * Loads the wasm of a dialect, once for all clients of a page. A failure is forgotten, so that it can be tried again.
 */
async function load({ wasm, dialect, WebSocket: Own }: Options, seamline: Dialect): Promise<EngineClass> {
  if (!(Own ?? globalThis.WebSocket)) {
    throw new SeamlineError("no_websocket", "WebSocket is missing; pass the option `WebSocket`");
  }
  if (!globalThis.WebAssembly) {
    throw new SeamlineError("wasm_failed", "WebAssembly is missing; turn off Lockdown Mode for this site");
  }
  const spoken = dialect === "plain" ? await plainBeside() : typeof dialect === "object" ? dialect : seamline;
  let engine = engines.get(spoken);
  if (!engine) {
    engine = start(spoken, wasm);
    engines.set(spoken, engine);
    engine.catch(() => engines.delete(spoken));
  }
  return engine;
}

async function start({ source, start }: Dialect, wasm: Wasm | undefined): Promise<EngineClass> {
  const from = wasm ?? source?.();
  if (!from) throw new SeamlineError("wasm_failed", "this entry contains no WebAssembly; pass the option `wasm`");
  return start(await compile(from));
}

/** The glue's own loader can do more, and is larger. */
async function compile(wasm: Wasm): Promise<WebAssembly.Module> {
  let source = await wasm;
  if (typeof source === "string" || source instanceof URL) source = await fetch(source);
  if (source instanceof Response) {
    if (!source.ok) throw new Error(`HTTP ${source.status} for ${source.url}`);
    source = await source.arrayBuffer();
  }
  return source instanceof WebAssembly.Module ? source : WebAssembly.compile(source);
}
