import type { CreateEngine } from "./boundary.js";
import { compile, refused } from "./compile.js";
import type { Dialect } from "./dialect.js";
import { SeamlineError, text } from "./error.js";
import { follow } from "./follow.js";
import { pause } from "./pause.js";
import { plainBeside } from "./plain-beside.js";
import type { Logger, Options, Reason } from "./types.js";
import { NetworkFault, wasmFailed } from "./wasm-failed.js";

/** After a fault of the network, the next attempts follow after this, doubled up to 16 times as long. */
const RETRY_MS = 1000;

/** What has been started, once for all clients of a page. */
const engines = new Map<Dialect, Promise<CreateEngine>>();
/** What is being started, by its wasm: one that never arrives does not stop clients that pass another one. */
const starting = new Map<unknown, Promise<CreateEngine>>();

/** Learns what becomes of loading the wasm. */
export interface Loading {
  readonly _logger: Required<Logger>;
  _loaded(create: CreateEngine): void;
  /** The network may be down when the page loads: the next attempt is made at `retryAt`. */
  _waiting(attempt: number, retryAt: number, reason: Reason): void;
  /** Something is wrong that another attempt does not change. */
  _failed(reason: Reason): void;
}

/** Loads the wasm, and retries if the network fails. The returned function stops that. */
export function loadWithRetries(options: Options, seamline: Dialect, loading: Loading): () => void {
  let stop: () => void;
  const attempt = (failures: number) => {
    const failed = (error: unknown) => {
      const reason = reasonOf(error);
      if (!(error instanceof NetworkFault)) return loading._failed(reason);
      if (failures === 0) loading._logger.warn("seamline:", reason.message);
      const waitMs = RETRY_MS * 2 ** Math.min(failures, 4);
      const timer = setTimeout(attempt, waitMs, failures + 1);
      stop = () => clearTimeout(timer);
      loading._waiting(failures + 1, Date.now() + waitMs, reason);
    };
    stop = follow(load(options, seamline), (create) => loading._loaded(create), failed);
  };
  attempt(0);
  return () => stop();
}

/** Whether the wasm of a dialect is there. */
export function isLoaded(dialect: Dialect): boolean {
  return engines.has(dialect);
}

function reasonOf(error: unknown): Reason {
  if (!(error instanceof SeamlineError)) {
    return { code: "wasm_failed", message: `could not load the WebAssembly: ${text(error)}` };
  }
  return { code: error.code as Reason["code"], message: error.message };
}

/**
 * Loads the wasm of a dialect, once for all clients of a page. A failure is forgotten, so that it can be tried again.
 */
async function load({ wasm, dialect, WebSocket: Own }: Options, seamline: Dialect): Promise<CreateEngine> {
  if (!(Own ?? globalThis.WebSocket)) {
    throw new SeamlineError("no_websocket", "WebSocket is missing; pass the option `WebSocket`");
  }
  if (!globalThis.WebAssembly) {
    throw new SeamlineError("wasm_failed", "WebAssembly is missing; turn off Lockdown Mode for this site");
  }
  const spoken = dialect === "plain" ? await plainBeside() : typeof dialect === "object" ? dialect : seamline;
  const source = wasm ?? spoken;
  let engine = engines.get(spoken) ?? starting.get(source);
  if (!engine) {
    engine = start(spoken, wasm);
    starting.set(source, engine);
    const settled = () => starting.delete(source);
    engine.then(settled, settled);
  }
  return engine;
}

/** In steps, each of which takes a slow phone a few milliseconds. */
async function start(dialect: Dialect, wasm: Options["wasm"]): Promise<CreateEngine> {
  await pause();
  const source = wasm ?? dialect.source?.();
  if (!source) throw wasmFailed("this entry contains none", "pass the option `wasm`");
  const module = await compile(source);
  await pause();
  try {
    const engine = dialect.start(module);
    engines.set(dialect, Promise.resolve(engine));
    await pause();
    return engine;
  } catch (error) {
    throw await refused(error);
  }
}
