import type { Wasm } from "./dialect.js";
import { type SeamlineError, text } from "./error.js";
import type { ResponseLike } from "./types.js";
import { NetworkFault, wasmFailed } from "./wasm-failed.js";

const WRONG_FILE = 'serve the `.wasm` file of the package there, or import "seamline", which contains it';

/** Compiles what an entry contains or the application passed. The glue's own loader can do more, and is larger. */
export async function compile(wasm: Wasm): Promise<WebAssembly.Module> {
  let source = (await wasm) ?? {}; // a `fetch` that a test replaces may return nothing
  let from = "the option `wasm`";
  if (typeof source === "string" || source instanceof URL) {
    from = new Request(source).url; // resolves and checks it as `fetch` does
    source = await download(from);
  } else if ("arrayBuffer" in source) {
    from = source.url || from;
    source = await body(source);
  }
  if (source instanceof WebAssembly.Module) return source;
  const bytes = source as BufferSource;
  return WebAssembly.compile(bytes).catch(async (error) => {
    throw await diagnose(error, bytes, from);
  });
}

async function download(url: string): Promise<ArrayBuffer> {
  if (url.startsWith("file:")) throw wasmFailed(`cannot fetch ${url}`, "read the file, and pass its bytes");
  let cause: string;
  try {
    const response = await fetch(url);
    if (response.status < 500 && response.status !== 429) return await body(response);
    cause = `HTTP ${response.status}`;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    cause = text(error);
  }
  const cure = "check the network, and whether CORS and the Content-Security-Policy (connect-src) allow it";
  throw wasmFailed(`${cause} for ${url}`, cure, NetworkFault);
}

function body(response: ResponseLike): Promise<ArrayBuffer> {
  if (!response.ok) throw wasmFailed(`HTTP ${response.status} for ${response.url}`, WRONG_FILE);
  return response.arrayBuffer();
}

/** The header of a module, which is a module too: an empty one. */
const HEADER = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);

/** Why these bytes do not compile. */
async function diagnose(error: unknown, source: BufferSource, from: string): Promise<SeamlineError> {
  const bytes = ArrayBuffer.isView(source) ? new Uint8Array(source.buffer, source.byteOffset) : new Uint8Array(source);
  if (HEADER.some((byte, i) => bytes[i] !== byte)) {
    // `<`: a server's page for what it does not have, or a development server's for everything
    return wasmFailed(`${from} is ${bytes[0] === 60 ? "HTML" : "something else"}, not WebAssembly`, WRONG_FILE);
  }
  return refused(error);
}

/** Why WebAssembly does not run: nothing may run here, or this does not fit. */
export async function refused(error: unknown): Promise<SeamlineError> {
  // WebKit forbids only instances.
  const isAllowed = await WebAssembly.instantiate(HEADER).then(Boolean, () => false);
  if (isAllowed) return wasmFailed(text(error), "use the `.wasm` file of the same version of the package");
  // Chromium's own text suggests 'unsafe-eval', which allows much more.
  return text(error).includes("embedder")
    ? wasmFailed("this runtime compiles nothing", "import the `.wasm` file as a module, and pass it as `wasm`")
    : wasmFailed("the Content-Security-Policy forbids it", "add 'wasm-unsafe-eval' to its script-src");
}
