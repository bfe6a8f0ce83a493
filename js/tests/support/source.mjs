// Modules of src/ that the package does not export, bundled on the fly.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

/** Imports `src/<name>.ts`. Two calls give two copies of the module. */
export async function source(name) {
  const directory = mkdtempSync(join(tmpdir(), "seamline-src-"));
  const outfile = join(directory, `${name}.mjs`);
  const entry = fileURLToPath(new URL(`../../src/${name}.ts`, import.meta.url));
  try {
    await build({ entryPoints: [entry], outfile, bundle: true, format: "esm", target: "es2022", logLevel: "error" });
    return await import(pathToFileURL(outfile));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
