import type { Dialect } from "./dialect.js";
import { SeamlineError, text } from "./error.js";
import { NetworkFault } from "./wasm-failed.js";

/** `import()` in a form that bundlers leave alone. The build appends it to the script: build/scripts.mjs. */
declare function importBeside(path: string): Promise<{ plain: Dialect }>;

/** The plain dialect of the script `plain.js` that lies beside this one. */
export async function plainBeside(): Promise<Dialect> {
  try {
    return (await importBeside("./plain.js")).plain;
  } catch (error) {
    // Browsers do not report whether the network failed or the file is missing.
    const Kind = globalThis.navigator?.onLine === false ? NetworkFault : SeamlineError;
    const cure = 'import { plain } from "seamline/plain", and pass `dialect: plain`';
    throw new Kind("wasm_failed", `could not load plain.js: ${text(error)}; ${cure}`);
  }
}
